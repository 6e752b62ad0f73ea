"""openstacksdk."""

import openstack
from driving import serve

images = openstack.connect().image


def upload(path, name, disk_format, container_format, min_disk, min_ram, properties, tags, visibility):
    made = images.create_image(
        name, filename=path, disk_format=disk_format, container_format=container_format, min_disk=min_disk, min_ram=min_ram,
        tags=tags, visibility=visibility, wait=True, meta=properties, allow_duplicates=True)
    return {"id": made.id}


def download(image, path):
    # Compares the checksum itself.
    images.download_image(image, output=path)
    return {}


def show(image):
    found = images.get_image(image)
    return {"name": found.name, "status": found.status, "size": found.size, "checksum": found.checksum,
            "disk_format": found.disk_format, "container_format": found.container_format, "min_disk": found.min_disk,
            "min_ram": found.min_ram, "tags": found.tags,
            # It knows some properties by names of their own.
            "properties": {**found.to_dict(original_names=True), **found.properties}}


serve(upload=upload, download=download, show=show)
