"""What people do with images beyond putting them in and getting them out, with the clients that they do it with."""

import json

import pytest
from clients import Failed, Picture
from clients.gallery import CONTENT, PROPERTIES
from harness.wait import eventually
from rig.clouds import GlanceCloud

OPENSTACK, GLANCE = "openstack of PyPI", "glance of PyPI"


@pytest.fixture
def image(gallery, request):
    """An image of alice's that no other test touches."""
    return gallery.client("openstacksdk").upload(gallery.file(), Picture(name=request.node.name, properties=PROPERTIES))


def openstack(gallery, *words, user="alice"):
    client = gallery.client(OPENSTACK, user)
    return client.run("image", *words)


def shown(gallery, image, user="alice"):
    return gallery.client(OPENSTACK, user).show(image)


def test_a_shared_image_reaches_the_project_that_accepts_it(gallery, image, tmp_path):
    with pytest.raises(Failed, match="No Image found|404|not found"):
        shown(gallery, image, user="bob")
    openstack(gallery, "set", "--shared", image)
    openstack(gallery, "add", "project", image, gallery.cloud.project("bob"))
    listed = json.loads(openstack(gallery, "member", "list", "-f", "json", image))
    assert [(member["Member ID"], member["Status"]) for member in listed] == [(gallery.cloud.project("bob"), "pending")]
    pending = openstack(gallery, "list", "-f", "value", "-c", "ID", user="bob")
    assert image not in pending
    openstack(gallery, "set", "--accept", image, user="bob")
    assert image in openstack(gallery, "list", "-f", "value", "-c", "ID", user="bob")
    gallery.client("openstacksdk", "bob").download(image, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == CONTENT["raw"]
    openstack(gallery, "remove", "project", image, gallery.cloud.project("bob"))
    with pytest.raises(Failed, match="No Image found|404|not found"):
        shown(gallery, image, user="bob")


def test_only_its_members_may_change_a_membership(gallery, image):
    openstack(gallery, "set", "--shared", image)
    openstack(gallery, "add", "project", image, gallery.cloud.project("bob"))
    with pytest.raises(Failed, match="No Image found|404|not found"):
        openstack(gallery, "set", "--accept", image, user="carol")
    assert [member["Status"] for member in json.loads(openstack(gallery, "member", "list", "-f", "json", image))] == ["pending"]


def test_a_deactivated_image_can_be_looked_at_but_not_fetched(gallery, image, tmp_path):
    openstack(gallery, "set", "--deactivate", image)
    assert gallery.client("gophercloud").show(image)["status"] == "deactivated"
    for client in ("openstacksdk", "Nova's image code", "gophercloud"):
        with pytest.raises(Failed):
            gallery.client(client).download(image, tmp_path / "refused")
    openstack(gallery, "set", "--activate", image)
    gallery.client("Nova's image code").download(image, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == CONTENT["raw"]


def test_what_one_client_changes_the_others_see(gallery, image):
    openstack(gallery, "set", "--name", "renamed", "--property", "os_version=13", "--tag", "fresh", "--min-ram", "512", image)
    openstack(gallery, "unset", "--property", "hw_disk_bus", image)
    for client in (GLANCE, "glance of Debian", "openstacksdk", "gophercloud", "Cinder's image code"):
        found = gallery.client(client).show(image)
        assert (found["name"], found["min_ram"]) == ("renamed", 512)
        assert found["properties"].get("os_version") == "13"
        assert not found["properties"].get("hw_disk_bus")
        assert "fresh" in found["tags"]


def test_a_protected_image_stays_until_it_is_not(gallery, image):
    openstack(gallery, "set", "--protected", image)
    with pytest.raises(Failed, match="403|Forbidden|protected"):
        openstack(gallery, "delete", image)
    openstack(gallery, "set", "--unprotected", image)
    openstack(gallery, "delete", image)
    with pytest.raises(Failed):
        shown(gallery, image)


def test_glance_stages_and_imports_a_file(gallery, tmp_path):
    client = gallery.client(GLANCE)
    made = client.run("image-create-via-import", "--import-method", "glance-direct", "--file", gallery.file("qcow2"),
                      "--disk-format", "qcow2", "--container-format", "bare", "--name", "staged")
    image = dict(client.ROW.findall(made))["id"]
    eventually(lambda: shown(gallery, image)["status"] == "active", "the import is done")
    gallery.client("openstacksdk").download(image, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == CONTENT["qcow2"]


def test_openstack_imports_into_both_stores(gallery):
    image = json.loads(openstack(gallery, "create", "-f", "json", "--disk-format", "raw", "--container-format", "bare", "both"))["id"]
    openstack(gallery, "stage", "--file", gallery.file(), image)
    openstack(gallery, "import", "--method", "glance-direct", "--all-stores", image)
    eventually(lambda: shown(gallery, image)["status"] == "active", "the import is done")
    assert gallery.client(GLANCE).show(image)["stores"] == gallery.cloud.stores


def test_glance_imports_from_the_web(gallery, tmp_path):
    if isinstance(gallery.cloud, GlanceCloud):
        pytest.skip("Glance fetches nothing from a loopback address")
    client = gallery.client(GLANCE)
    made = client.run("image-create-via-import", "--import-method", "web-download", "--uri", gallery.web.url("/qcow2"),
                      "--disk-format", "qcow2", "--container-format", "bare", "--name", "from the web")
    image = dict(client.ROW.findall(made))["id"]
    eventually(lambda: shown(gallery, image)["status"] == "active", "the import is done")
    gallery.client("Nova's image code").download(image, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == CONTENT["qcow2"]


def test_a_reader_looks_and_changes_nothing(gallery, image):
    if not gallery.cloud.keystone:
        pytest.skip("an account of VISOR's has no reader beside it; application credentials are tried in test_identity_own.py")
    openstack(gallery, "set", "--private", image)
    assert shown(gallery, image, user="rita")["id"] == image
    for words in (["set", "--name", "no"], ["delete"]):
        with pytest.raises(Failed):
            openstack(gallery, *words, image, user="rita")
    assert shown(gallery, image)["name"] != "no"
