"""Finding images: filters on any attribute, order, pages."""

import pytest

from harness.api import query


@pytest.fixture
def shelf(user, mark):
    """Five images with attributes to search by; {name: id}."""
    rows = [
        ("delta", "i386", "2", "red"),
        ("alpha", "x86_64", "10", "red"),
        ("echo", "x86_64", "9", "green"),
        ("bravo", "aarch64", "100", "green"),
        ("charlie", "x86_64", "1", "blue"),
    ]
    return {
        name: user.register(name=name, architecture=architecture, rank=rank, colour=colour, mark=mark)
        for name, architecture, rank, colour in rows
    }


def names(images):
    return [image["name"] for image in images]


def test_a_filter_on_a_known_attribute(user, mark, shelf):
    assert sorted(names(user.listed(f"mark={mark}&architecture=x86_64"))) == ["alpha", "charlie", "echo"]


def test_a_filter_on_a_free_attribute(user, mark, shelf):
    assert sorted(names(user.listed(f"mark={mark}&colour=green"))) == ["bravo", "echo"]


def test_filters_are_all_to_hold(user, mark, shelf):
    assert names(user.listed(f"mark={mark}&colour=green&architecture=aarch64")) == ["bravo"]
    assert user.listed(f"mark={mark}&colour=green&architecture=i386") == []


def test_a_filter_on_an_attribute_that_nobody_has_finds_nothing(user, shelf):
    assert user.listed("no_such_attribute=1") == []


def test_a_filter_on_the_id_and_on_what_the_server_sets(user, mark, shelf):
    assert names(user.listed(f"_id={shelf['echo']}")) == ["echo"]
    assert len(user.listed(f"mark={mark}&owner={user.access_key}&status=locked")) == 5


@pytest.mark.parametrize("value", ["a b", "a+b", "50%", "x&y=z", "ünï", "'; DROP TABLE facts; --", "*", "a/b?c#d", ""])
def test_a_filters_value_is_taken_literally(user, mark, value):
    image = user.register(mark=mark, odd=value or "filled")
    found = [entry["_id"] for entry in user.listed(query(mark=mark, odd=value))]
    assert found == ([image] if value else [])


def test_a_value_longer_than_the_index_can_hold_is_still_found_exactly(user, mark):
    long_value = "x" * 300
    image = user.register(mark=mark, long=long_value + "1")
    user.register(mark=mark, long=long_value + "2")
    assert [entry["_id"] for entry in user.listed(query(mark=mark, long=long_value + "1"))] == [image]


def test_an_update_moves_an_image_from_one_answer_to_another(user, mark, shelf):
    assert user.put(f"/images/{shelf['delta']}", [("x-image-meta-colour", "blue")]).status == 200
    assert sorted(names(user.listed(f"mark={mark}&colour=blue"))) == ["charlie", "delta"]
    assert names(user.listed(f"mark={mark}&colour=red")) == ["alpha"]


def test_the_default_order_is_by_id(user, mark, shelf):
    ids = [entry["_id"] for entry in user.listed(f"mark={mark}")]
    assert ids == sorted(shelf.values())


@pytest.mark.parametrize("detail", [False, True])
def test_sort_by_name_in_both_directions(user, mark, shelf, detail):
    up = ["alpha", "bravo", "charlie", "delta", "echo"]
    assert names(user.listed(f"mark={mark}&sort=name", detail)) == up
    assert names(user.listed(f"mark={mark}&sort=name&dir=asc", detail)) == up
    assert names(user.listed(f"mark={mark}&sort=name&dir=desc", detail)) == up[::-1]


def test_numbers_sort_as_numbers(user, mark, shelf):
    assert names(user.listed(f"mark={mark}&sort=rank")) == ["charlie", "delta", "echo", "alpha", "bravo"]


def test_sorting_by_an_attribute_that_some_lack_loses_nobody(user, mark, shelf):
    bare = user.register(name="foxtrot", mark=mark)
    assert bare in [entry["_id"] for entry in user.listed(f"mark={mark}&sort=rank")]
    assert len(user.listed(f"mark={mark}&sort=rank&dir=desc")) == 6


@pytest.mark.parametrize("bad", ["dir=sideways", "limit=0", "limit=-1", "limit=many", "limit=1&marker=%00"])
def test_a_parameter_that_makes_no_sense_is_400(user, bad):
    response = user.get(f"/images?{bad}")
    assert response.status == 400, response
    assert response.message


def pages(user, target, limit):
    """All entries by way of pages, following `next` as a marker or a URL."""
    found, marker = [], None
    for _ in range(100):
        response = user.get(f"{target}&limit={limit}" + (f"&marker={marker}" if marker else ""))
        assert response.status == 200, response
        assert len(response.images) <= limit
        found += response.images
        following = response.json.get("next")
        if not following:
            return found
        marker = following.partition("marker=")[2].partition("&")[0] if "marker=" in following else following
    raise AssertionError("the pages never end")


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
@pytest.mark.parametrize("order", ["", "&sort=name", "&sort=name&dir=desc", "&sort=rank", "&sort=colour", "&sort=colour&dir=desc"])
def test_pages_together_are_the_whole_answer(user, mark, shelf, limit, order):
    whole = user.listed(f"mark={mark}{order}")
    assert pages(user, f"/images?mark={mark}{order}", limit) == whole


def test_pages_of_details_too(user, mark, shelf):
    assert pages(user, f"/images/detail?mark={mark}", 2) == user.listed(f"mark={mark}", detail=True)


def test_an_image_deleted_between_two_pages_loses_no_other(user, mark, shelf):
    first = user.get(f"/images?mark={mark}&sort=name&limit=2")
    assert names(first.images) == ["alpha", "bravo"]
    assert user.delete(f"/images/{shelf['bravo']}").status == 200
    following = first.json["next"]
    marker = following.partition("marker=")[2].partition("&")[0] if "marker=" in following else following
    rest = user.get(f"/images?mark={mark}&sort=name&limit=9&marker={marker}")
    assert names(rest.images) == ["charlie", "delta", "echo"]


def test_an_answer_without_a_limit_has_no_next(user, mark, shelf):
    assert "next" not in user.get(f"/images?mark={mark}").json


def test_a_broken_escape_in_the_query_is_400(user):
    assert user.using("visor").get("/images?name=%zz").status == 400
