"""The code with which Cinder's volume service asks for images and fetches them."""

import os

from cinder import context, objects
from cinder.common import config  # noqa: F401  registers the options
from cinder.image import image_utils  # isort: skip  the next one can only be imported behind it
from cinder.image import glance
from driving import catalogue, serve, signed_in
from oslo_config import cfg

CONF = cfg.CONF
CONF([], project="cinder", default_config_files=[])
CONF.set_override("glance_api_servers", [os.environ["IMAGE_URL"]])
CONF.set_override("auth_strategy", "keystone")
objects.register_all()

images = glance.get_default_image_service()


def asking():
    _, access = signed_in()
    return context.RequestContext(
        user_id=access.user_id, project_id=access.project_id, auth_token=access.auth_token, service_catalog=catalogue(access))


def upload(path, properties, tags, visibility, **attributes):
    # As it uploads a volume: the record first, then the data with what is known by then.
    ask = asking()
    made = images.create(ask, {**attributes, "visibility": visibility, "tags": tags, "properties": properties})
    with open(path, "rb") as data:
        images.update(ask, made["id"], {}, data)
    return {"id": made["id"]}


def download(image, path):
    ask = asking()
    image_utils.fetch(ask, images, image, path, ask.user_id, ask.project_id)
    return {}


def show(image):
    found = images.show(asking(), image)
    return {**{name: found[name] for name in ("name", "status", "size", "checksum", "disk_format", "container_format", "min_disk",
                                              "min_ram", "properties")}, "tags": found.get("tags")}


serve(upload=upload, download=download, show=show)
