"""What one client puts in, each of the others gets out: the same bytes, described the same way.

Every client of clients/ uploads one image; every one of them fetches and shows all of these.
"""

import hashlib

import pytest
from clients import VisorCommand
from clients.gallery import CLIENTS, CONTENT, PROPERTIES, TAGS


@pytest.mark.parametrize("downloader", CLIENTS)
@pytest.mark.parametrize("uploader", [name for name, client in CLIENTS.items() if client.uploads])
def test_what_one_client_puts_in_the_other_gets_out(gallery, uploader, downloader, tmp_path):
    image, picture = gallery.image(uploader), gallery.picture(uploader)
    client = gallery.client(downloader)
    content = CONTENT[picture.disk_format]
    client.download(image, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == content
    shown = client.show(image)
    expected = {"name": picture.name, "status": "active", "size": len(content), "checksum": hashlib.md5(content).hexdigest(),
                "disk_format": picture.disk_format}
    assert {name: shown[name] for name in expected} == expected
    assert {name: shown["properties"].get(name) for name in PROPERTIES} == PROPERTIES
    if VisorCommand.name not in (uploader, downloader):
        # VISOR's own interface has no words for these.
        more = {"container_format": "bare", "min_disk": picture.min_disk, "min_ram": picture.min_ram}
        assert {name: shown[name] for name in more} == more
        # Nova and Ironic show no tags.
        assert sorted(shown.get("tags") or TAGS) == sorted(TAGS)
