"""Links from a machine to its kernel and ramdisk."""

import pytest

from harness.api import meta


@pytest.fixture
def parts(user):
    return {
        "kernel": user.register(name="k", type="kernel"),
        "aki": user.register(name="k", format="aki"),
        "ramdisk": user.register(name="r", type="ramdisk"),
        "ari": user.register(name="r", format="ari"),
        "machine": user.register(name="m", type="machine"),
    }


def machine(user, **links):
    return user.post("/images", meta(name="linked", architecture="x86_64", type="machine", **links))


@pytest.mark.parametrize("kernel", ["kernel", "aki"])
@pytest.mark.parametrize("ramdisk", ["ramdisk", "ari"])
def test_a_machine_names_its_kernel_and_ramdisk(user, parts, kernel, ramdisk):
    response = machine(user, kernel=parts[kernel], ramdisk=parts[ramdisk])
    assert response.status == 200, response
    known = user.head(f"/images/{response.image['_id']}").meta
    assert (known["kernel"], known["ramdisk"]) == (parts[kernel], parts[ramdisk])


@pytest.mark.parametrize("attribute, part", [("kernel", "ramdisk"), ("kernel", "machine"), ("kernel", "ari"), ("ramdisk", "kernel"), ("ramdisk", "machine"), ("ramdisk", "aki")])
def test_a_link_to_another_kind_of_image_is_400(user, parts, attribute, part):
    assert machine(user, **{attribute: parts[part]}).status == 400


@pytest.mark.parametrize("attribute", ["kernel", "ramdisk"])
@pytest.mark.parametrize("identifier", ["00000000-0000-4000-8000-000000000000", "nothing"])
def test_a_link_to_nothing_is_404(user, mark, attribute, identifier):
    assert machine(user, mark=mark, **{attribute: identifier}).status == 404
    assert user.listed(f"mark={mark}") == []


def test_a_foreign_private_kernel_is_not_there(user, other):
    hidden = other.register(name="k", type="kernel", access="private")
    assert machine(user, kernel=hidden).status == 404


def test_a_link_can_be_added_later_and_is_checked_then(user, parts):
    image = user.register()
    assert user.put(f"/images/{image}", meta(kernel=parts["machine"])).status == 400
    assert user.put(f"/images/{image}", meta(kernel=parts["kernel"])).status == 200


def test_machines_are_found_by_their_kernel(user, parts):
    image = machine(user, kernel=parts["kernel"]).image["_id"]
    assert [entry["_id"] for entry in user.listed(f"kernel={parts['kernel']}")] == [image]
