"""Which paths and methods exist, and what the others answer."""

import pytest

from harness.api import BINARY, meta


def test_the_heartbeat_answers_ok_without_a_signature(server, root):
    response = root.anonymous().get("/status")
    assert response.status == 200
    assert response.body.strip().strip(b'"') == b"OK"


def test_healthz_answers_ok_without_a_signature(root):
    response = root.anonymous().get("/healthz")
    assert (response.status, response.body.strip()) == (200, b"OK")


@pytest.mark.parametrize("path", ["/", "/image", "/images/a/b/c", "/imagesx", "/users/a/b", "/%2e%2e/etc/passwd", "/images%2fdetail"])
def test_an_unknown_path_is_404_and_says_so(root, path):
    response = root.get(path)
    assert response.status == 404, response
    assert response.json["code"] == 404
    assert response.message


def test_the_message_of_an_unknown_path_is_the_contracts(root):
    assert root.get("/nowhere").message == "Invalid operation or path."


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("DELETE", "/images", {"GET", "POST"}),
        ("PUT", "/images", {"GET", "POST"}),
        ("POST", "/images/detail", {"GET"}),
        ("POST", "/status", {"GET"}),
        ("DELETE", "/users", {"GET", "POST"}),
        ("PATCH", "/images", {"GET", "POST"}),
    ],
)
def test_another_method_on_a_known_path_is_405_with_allow(root, method, path, allowed):
    response = root.request(method, path)
    assert response.status == 405, response
    listed = {name.strip() for name in response.header("Allow").split(",")}
    assert allowed <= listed
    assert method not in listed


def test_a_trailing_slash_is_the_same_resource(user, mark):
    image = user.register(mark=mark)
    assert user.get(f"/images/?mark={mark}").ids == [image]
    assert user.head(f"/images/{image}/").status == 200
    assert user.post("/images/", meta(name="slashed", architecture="i386")).status == 200


def test_repeated_slashes_are_folded_after_the_signature_was_checked(user, mark):
    image = user.register(mark=mark)
    caller = user.using("visor")
    assert caller.get(f"//images?mark={mark}").ids == [image]
    assert caller.get(f"//images//detail?mark={mark}").ids == [image]
    assert caller.head(f"//images/{image}").status == 200


@pytest.mark.parametrize("identifier", ["nothing", "00000000-0000-4000-8000-000000000000", "%00", "..%2f..", "a" * 300, "%ff", "*"])
def test_an_image_that_does_not_exist_is_404_with_every_method(user, identifier):
    for method in ("GET", "HEAD", "DELETE"):
        response = user.request(method, f"/images/{identifier}")
        assert response.status == 404, (method, response)
    assert user.put(f"/images/{identifier}", meta(name="other")).status == 404


def test_an_error_of_head_carries_its_message_in_a_header(user):
    response = user.head("/images/00000000-0000-4000-8000-000000000000")
    assert response.status == 404
    assert response.body == b""
    assert response.header("x-error-message")


def test_an_image_is_registered_uploaded_read_and_deleted(user):
    image = user.register(name="life of an image")
    assert user.status_of(image) == "locked"
    response = user.put(f"/images/{image}", [BINARY], b"the data")
    assert response.status == 200, response
    assert response.image["status"] == "available"
    assert user.get(f"/images/{image}").body == b"the data"
    removed = user.delete(f"/images/{image}")
    assert removed.status == 200
    assert removed.image["_id"] == image
    assert removed.image["name"] == "life of an image"
    assert user.get(f"/images/{image}").status == 404
