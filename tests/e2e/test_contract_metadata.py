"""Attributes on the wire: headers in, headers and documents out."""

import datetime
import re

import pytest

from harness.api import BINARY, meta
from harness.payload import md5

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000")


def test_a_registered_image_has_what_the_server_sets(user, server):
    response = user.post("/images", meta(name="plain", architecture="x86_64"))
    assert response.status == 200, response
    image = response.image
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", image["_id"])
    assert image["uri"] == f"{server.address}/images/{image['_id']}"
    assert image["status"] == "locked"
    assert image["access"] == "public"
    assert image["owner"] == user.access_key
    assert TIME.fullmatch(image["created_at"])
    made = datetime.datetime.strptime(image["created_at"], "%Y-%m-%d %H:%M:%S %z")
    assert abs((datetime.datetime.now(datetime.timezone.utc) - made).total_seconds()) < 60


def test_undefined_attributes_are_left_out(user):
    known = user.head(f"/images/{user.register()}").meta
    for name in ("size", "checksum", "location", "kernel", "ramdisk", "uploaded_at", "accessed_at"):
        assert name not in known


def test_head_and_get_carry_the_same_attributes(user):
    image = user.upload(b"abc", shelf="upper")
    of_head, of_get = user.head(f"/images/{image}").meta, user.get(f"/images/{image}").meta
    for counted in ("accessed_at", "access_count"):
        of_head.pop(counted, None), of_get.pop(counted, None)
    assert of_head == of_get
    assert of_head["shelf"] == "upper"
    assert of_head["size"] == "3"
    assert of_head["checksum"] == md5(b"abc")


@pytest.mark.parametrize("missing", ["name", "architecture"])
def test_a_registration_without_a_mandatory_attribute_is_400_and_names_it(user, mark, missing):
    attributes = {"name": "n", "architecture": "i386", "mark": mark}
    del attributes[missing]
    response = user.post("/images", meta(**attributes))
    assert response.status == 400, response
    assert missing in response.message
    assert user.listed(f"mark={mark}") == []


@pytest.mark.parametrize("name", ["_id", "uri", "owner", "status", "size", "checksum", "created_at", "updated_at", "uploaded_at", "accessed_at", "access_count"])
def test_a_read_only_attribute_in_a_request_is_400(user, mark, name):
    image = user.register(mark=mark)
    for response in (
        user.post("/images", [*meta(name="n", architecture="i386", mark=mark), (f"x-image-meta-{name}", "1")]),
        user.put(f"/images/{image}", [(f"x-image-meta-{name}", "1")]),
    ):
        assert response.status == 400, response
        assert name in response.message
    assert len(user.listed(f"mark={mark}")) == 1


@pytest.mark.parametrize("attribute, value", [("architecture", "z80"), ("access", "secret"), ("type", "floppy"), ("format", "wad"), ("store", "attic")])
def test_an_invalid_value_is_400_and_registers_nothing(user, mark, attribute, value):
    attributes = {"name": "n", "architecture": "i386", "mark": mark, attribute: value}
    response = user.post("/images", meta(**attributes))
    assert response.status == 400, response
    assert user.listed(f"mark={mark}") == []


@pytest.mark.parametrize("architecture", ["i386", "x86_64", "aarch64", "armv7l", "ppc64le", "riscv64", "s390x"])
def test_architectures_of_today_and_of_2012_are_taken(user, architecture):
    assert user.head(f"/images/{user.register(architecture=architecture)}").meta["architecture"] == architecture


@pytest.mark.parametrize("image_format", ["iso", "vhd", "vdi", "vmdk", "ami", "aki", "ari", "raw", "qcow2", "vhdx", "ova"])
def test_formats_of_today_and_of_2012_are_taken(user, image_format):
    assert user.head(f"/images/{user.register(format=image_format)}").meta["format"] == image_format


@pytest.mark.parametrize("value", ["0777", "12.04", "1e3", "100%", "%41%zz", "a  b", "naïve Ω 像", "'; DROP TABLE images; --", '{"a": [1]}', "<b>&amp;</b>", "true", "-0"])
def test_text_comes_back_unchanged(user, value):
    image = user.register(free=value)
    assert user.head(f"/images/{image}").meta["free"] == value
    stored = [entry for entry in user.listed(detail=True) if entry["_id"] == image]
    assert str(stored[0]["free"]) == value


def test_names_are_case_insensitive_and_a_hyphen_is_an_underscore(user):
    response = user.post(
        "/images",
        [("X-IMAGE-META-NAME", "mixed"), ("x-Image-Meta-Architecture", "i386"), ("x-image-meta-Os-Family", "linux")],
    )
    assert response.status == 200, response
    image = response.image
    assert image["name"] == "mixed"
    assert image["os_family"] == "linux"
    head = user.head(f"/images/{image['_id']}")
    assert any(name.lower() == "x-image-meta-os_family" for name, _ in head.headers)
    renamed = user.put(f"/images/{image['_id']}", [("x-image-meta-os_family", "bsd")])
    assert renamed.image["os_family"] == "bsd"


def test_an_update_changes_what_it_names_and_nothing_else(user):
    image = user.register(name="before", one="1", two="2")
    response = user.put(f"/images/{image}", meta(name="after", two="zwei", three="3"))
    assert response.status == 200, response
    known = user.head(f"/images/{image}").meta
    assert (known["name"], known["one"], known["two"], known["three"]) == ("after", "1", "zwei", "3")
    assert "updated_at" in known


def test_an_update_with_neither_headers_nor_body_is_400(user):
    response = user.put(f"/images/{user.register()}")
    assert response.status == 400, response


def test_an_update_of_an_image_with_data_leaves_the_data_alone(user):
    image = user.upload(b"stays")
    before = user.head(f"/images/{image}").meta
    assert user.put(f"/images/{image}", meta(name="renamed")).status == 200
    after = user.get(f"/images/{image}")
    assert after.body == b"stays"
    assert (after.meta["checksum"], after.meta["uploaded_at"]) == (before["checksum"], before["uploaded_at"])


def test_a_download_is_counted(user):
    image = user.upload(b"counted")
    for _ in range(3):
        assert user.get(f"/images/{image}").status == 200
    known = user.head(f"/images/{image}").meta
    assert int(known["access_count"]) >= 3
    assert TIME.fullmatch(known["accessed_at"])


def test_many_attributes_fit(user):
    attributes = {f"property_{number:03}": f"value {number}" for number in range(128)}
    known = user.head(f"/images/{user.register(**attributes)}").meta
    assert {name: known[name] for name in attributes} == attributes


def test_the_metadata_route_answers_a_document_without_the_data(user):
    image = user.upload(b"not this", colour="green")
    response = user.get(f"/images/{image}/metadata")
    assert response.status == 200, response
    assert response.image["colour"] == "green"
    assert response.image["_id"] == image
    assert b"not this" not in response.body


def test_the_four_digests_stand_beside_each_other(user):
    import hashlib

    data = b"digest me"
    known = user.head(f"/images/{user.upload(data)}").meta
    assert known["checksum"] == hashlib.md5(data).hexdigest()
    values = set(known.values())
    for algorithm in ("sha1", "sha256", "sha512"):
        assert hashlib.new(algorithm, data).hexdigest() in values, known


def test_an_upload_with_metadata_in_one_post(user):
    response = user.post("/images", [*meta(name="both", architecture="i386", free="x"), BINARY], b"data")
    assert response.status == 200, response
    assert response.image["status"] == "available"
    assert response.image["size"] in (4, "4")
