"""Who may see and change what: a table of callers, images and verbs."""

import pytest

from harness.api import BINARY, meta

ALL = [("x-visor-scope", "all")]


@pytest.fixture
def images(user, mark):
    return {
        "public": user.upload(b"public data", access="public", mark=mark),
        "private": user.upload(b"private data", access="private", mark=mark),
    }


@pytest.mark.parametrize(
    "caller, kind, reading, changing",
    [
        ("owner", "public", 200, 200),
        ("owner", "private", 200, 200),
        ("other", "public", 200, 403),
        ("other", "private", 404, 404),
        ("administrator", "public", 200, 403),
        ("administrator with scope", "public", 200, 200),
        ("administrator", "private", 404, 404),
        ("administrator with scope", "private", 200, 200),
        ("other with scope", "public", 403, 403),
        ("other with scope", "private", 403, 403),
        ("anonymous", "public", 403, 403),
        ("anonymous", "private", 403, 403),
    ],
)
def test_the_table_of_callers_and_images(user, other, root, images, caller, kind, reading, changing):
    who = {"owner": user, "other": other, "administrator": root, "anonymous": root.anonymous()}[caller.split(" ")[0]]
    extra = ALL if "scope" in caller else []
    target = f"/images/{images[kind]}"
    assert who.head(target, extra).status == reading
    assert who.get(target, extra).status == reading
    assert who.get(f"{target}/metadata", extra).status == reading
    assert who.get(target, [("Range", "bytes=0-0"), *extra]).status in (reading, 206 if reading == 200 else reading)
    assert who.put(target, [*meta(note="changed"), *extra]).status == changing
    assert who.delete(target, extra).status == changing
    # A refusal changed nothing.
    if changing != 200:
        known = user.get(target)
        assert known.status == 200
        assert "note" not in known.meta


def test_lists_show_public_images_and_ones_own(user, other, root, images, mark):
    def seen(api, headers=()):
        return sorted(api.get(f"/images?mark={mark}", headers).ids)

    both, public = sorted(images.values()), [images["public"]]
    assert seen(user) == both
    assert seen(other) == public
    assert seen(root) == public
    assert seen(root, ALL) == both
    assert other.get(f"/images?mark={mark}", ALL).status == 403, "the scope is for administrators"


def test_a_private_image_leaks_by_no_filter_sort_or_page(user, other, images, mark):
    private = images["private"]
    for target in (f"/images?_id={private}", f"/images?mark={mark}&sort=size&limit=1", f"/images/detail?owner={user.access_key}"):
        assert private not in other.get(target).ids


def test_a_foreign_private_image_and_none_at_all_answer_alike(other, images):
    hidden = other.get(f"/images/{images['private']}")
    absent = other.get("/images/00000000-0000-4000-8000-000000000000")
    assert hidden.status == absent.status == 404
    assert hidden.message.replace(images["private"], "ID") == absent.message.replace(
        "00000000-0000-4000-8000-000000000000", "ID"
    )


def test_nobody_uploads_into_a_foreign_image(user, other):
    for access, expected in (("public", 403), ("private", 404)):
        image = user.register(access=access)
        assert other.put(f"/images/{image}", [BINARY], b"mine now").status == expected
        assert user.status_of(image) == "locked"


def test_the_owner_can_take_an_image_out_of_sight(user, other):
    image = user.register(access="public")
    assert other.head(f"/images/{image}").status == 200
    assert user.put(f"/images/{image}", meta(access="private")).status == 200
    assert other.head(f"/images/{image}").status == 404


def test_ownership_cannot_be_asked_for(user, other):
    response = user.post("/images", meta(name="n", architecture="i386", owner=other.access_key))
    assert response.status == 400


def test_an_identity_in_a_header_is_not_believed(other, images):
    forged = [("X-Is-Admin", "true"), ("X-Roles", "admin"), ("X-User", "root-of-the-test"), ("X-Forwarded-User", "root-of-the-test")]
    assert other.head(f"/images/{images['private']}", forged).status == 404
