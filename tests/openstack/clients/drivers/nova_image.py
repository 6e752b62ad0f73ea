"""The code with which Nova's compute service asks for images."""

import os

import nova.conf
from driving import catalogue, serve, signed_in
from nova import context
from nova.image import glance

CONF = nova.conf.CONF
CONF([], project="nova", default_config_files=[])
CONF.set_override("region_name", os.environ["OS_REGION_NAME"], "glance")
CONF.set_override("valid_interfaces", ["public"], "glance")

api = glance.API()


def asking():
    _, access = signed_in()
    return context.RequestContext(
        user_id=access.user_id, project_id=access.project_id, auth_token=access.auth_token, service_catalog=catalogue(access))


def upload(path, properties, tags, visibility, **attributes):
    ask = asking()
    with open(path, "rb") as data:
        made = api.create(ask, {**attributes, "visibility": visibility, "properties": properties}, data=data)
    # It has no way to set tags of its own.
    client = glance.GlanceClientWrapper()
    for tag in tags:
        client.call(ask, 2, "update", controller="image_tags", args=(made["id"], tag))
    return {"id": made["id"]}


def download(image, path):
    # Compares the checksum, or the signature, itself.
    api.download(asking(), image, dest_path=path)
    return {}


def show(image):
    found = api.get(asking(), image)
    return {**{name: found[name] for name in ("name", "status", "size", "checksum", "disk_format", "container_format", "min_disk",
                                              "min_ram", "properties")}, "tags": found.get("tags")}


serve(upload=upload, download=download, show=show)
