"""JSON by default, XML when it is preferred: lists, single images and errors."""

import pytest

XML = [("Accept", "application/xml")]
BRIEF = {"_id", "name", "architecture", "type", "format", "store", "size"}


def element(parent, name):
    found = parent.find(name)
    assert found is not None, name
    return found.text


def test_a_list_is_a_json_document(user, mark):
    image = user.register(mark=mark)
    response = user.get(f"/images?mark={mark}")
    assert response.header("Content-Type").startswith("application/json")
    assert [entry["_id"] for entry in response.json["images"]] == [image]


def test_a_list_is_an_xml_document_when_that_is_preferred(user, mark):
    image = user.register(mark=mark, name="a <b> & 'c' \"d\" é")
    response = user.get(f"/images?mark={mark}", XML)
    assert response.header("Content-Type").startswith("application/xml")
    assert response.xml.tag == "images"
    (entry,) = response.xml.findall("image")
    assert element(entry, "_id") == image
    assert element(entry, "name") == "a <b> & 'c' \"d\" é"


@pytest.mark.parametrize(
    "accept, kind",
    [
        ("application/xml;q=0.9, application/json;q=0.1", "application/xml"),
        ("application/xml;q=0.1, application/json;q=0.9", "application/json"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        ("application/*, application/xml;q=0.5", "application/json"),
        ("application/xml;q=0", "application/json"),
        ("nonsense;;;q=", "application/json"),
    ],
)
def test_the_preferred_kind_of_document_wins(user, mark, accept, kind):
    assert user.get(f"/images?mark={mark}", [("Accept", accept)]).header("Content-Type").startswith(kind)


def test_an_empty_answer_is_200_with_an_empty_list(user):
    response = user.get("/images?mark=nobody-has-this")
    assert (response.status, response.json) == (200, {"images": []})
    response = user.get("/images?mark=nobody-has-this", XML)
    assert response.status == 200
    assert response.xml.tag == "images" and len(response.xml) == 0


def test_brief_entries_carry_the_brief_attributes_alone(user, mark):
    user.upload(b"12345", mark=mark, type="machine", format="raw")
    (entry,) = user.listed(f"mark={mark}")
    assert set(entry) == BRIEF
    assert entry["size"] in (5, "5")


def test_detailed_entries_carry_everything_but_the_counters(user, mark):
    image = user.upload(b"12345", mark=mark, format="raw", free="yes")
    user.get(f"/images/{image}")
    (entry,) = user.listed(f"mark={mark}", detail=True)
    assert BRIEF - {"type"} <= set(entry)
    assert entry["free"] == "yes" and entry["mark"] == mark
    assert {"owner", "status", "uri", "created_at", "uploaded_at", "checksum", "access"} <= set(entry)
    assert not {"accessed_at", "access_count"} & set(entry)


@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE"])
def test_the_answer_to_a_change_is_a_document_of_either_kind(user, verb):
    headers = [("x-image-meta-name", "kind"), ("x-image-meta-architecture", "i386")]
    for extra in ([], XML):
        target = "/images" if verb == "POST" else f"/images/{user.register()}"
        response = user.request(verb, target, (headers if verb != "DELETE" else []) + extra)
        assert response.status == 200, response
        if extra:
            assert response.xml.tag == "image"
            assert element(response.xml, "architecture")
        else:
            assert response.image["architecture"]


def test_an_error_is_a_document_of_either_kind(user):
    response = user.get("/images/00000000-0000-4000-8000-000000000000")
    assert response.status == 404
    assert response.json["code"] == 404 and response.json["message"]
    response = user.get("/images/00000000-0000-4000-8000-000000000000", XML)
    assert response.status == 404
    assert response.header("Content-Type").startswith("application/xml")
    assert [node.text for node in response.xml.iter("code")] == ["404"]
    assert all(node.text for node in response.xml.iter("message"))


def test_a_document_stays_well_formed_whatever_an_attribute_holds(user, mark):
    # The other signer would take U+2028 for a blank and fold it.
    user.using("visor").register(mark=mark, free=']]> </image> \\ " \u2028 \U0001f600')
    assert user.get(f"/images/detail?mark={mark}").images[0]["free"] == ']]> </image> \\ " \u2028 \U0001f600'
    (entry,) = user.get(f"/images/detail?mark={mark}", XML).xml.findall("image")
    assert element(entry, "free") == ']]> </image> \\ " \u2028 \U0001f600'


def test_an_attribute_whose_name_xml_cannot_carry_breaks_no_document(user, mark):
    response = user.post(
        "/images", [("x-image-meta-name", "n"), ("x-image-meta-architecture", "i386"), ("x-image-meta-mark", mark), ("x-image-meta-2nd", "v")]
    )
    if response.status == 400:
        return  # refusing such a name is an answer too
    assert response.status == 200, response
    assert user.get(f"/images/detail?mark={mark}", XML).xml.find("image") is not None
