"""Accounts, which administrators alone manage."""

import json
import uuid

import pytest

from harness.api import Api

JSON = ("Content-Type", "application/json")


def document(**attributes):
    return json.dumps({"user": attributes}).encode()


@pytest.fixture
def key():
    return "key-" + uuid.uuid4().hex[:12]


def create(root, **attributes):
    return root.post("/users", [JSON], document(**attributes))


def test_an_account_is_made_listed_shown_changed_and_deleted(root, key):
    made = create(root, access_key=key, email="first@example.org")
    assert made.status == 200, made
    account = made.json["user"]
    assert account["access_key"] == key and account["email"] == "first@example.org"
    assert account["secret_key"] and account["_id"] and account["created_at"]
    assert key in [entry["access_key"] for entry in root.get("/users").json["users"]]
    assert root.get(f"/users/{key}").json["user"]["email"] == "first@example.org"
    changed = root.put(f"/users/{key}", [JSON], document(email="second@example.org"))
    assert changed.status == 200, changed
    assert root.get(f"/users/{key}").json["user"]["email"] == "second@example.org"
    assert root.delete(f"/users/{key}").status == 200
    assert root.get(f"/users/{key}").status == 404


def test_a_new_account_signs_at_once_and_a_deleted_one_no_more(root, key):
    account = create(root, access_key=key, email="a@example.org").json["user"]
    for scheme in ("sigv4", "visor"):
        assert Api(root.host, root.port, key, account["secret_key"], scheme).get("/images").status == 200
    assert root.delete(f"/users/{key}").status == 200
    for scheme in ("sigv4", "visor"):
        assert Api(root.host, root.port, key, account["secret_key"], scheme).get("/images").status == 403


def test_a_secret_is_shown_once(root, key):
    secret = create(root, access_key=key, email="a@example.org").json["user"]["secret_key"]
    root.put(f"/users/{key}", [JSON], document(email="b@example.org"))
    for response in (root.get(f"/users/{key}"), root.get("/users"), root.put(f"/users/{key}", [JSON], document(email="c@example.org")), root.delete(f"/users/{key}")):
        assert response.status == 200
        assert secret.encode() not in response.body
        assert b"secret" not in response.body


@pytest.mark.parametrize("attributes", [{"email": "a@example.org"}, {"access_key": "k"}, {}])
def test_an_account_without_what_is_mandatory_is_400(root, attributes):
    response = create(root, **attributes)
    assert response.status == 400, response
    assert response.message


def test_an_access_key_is_unique(root, key):
    assert create(root, access_key=key, email="a@example.org").status == 200
    assert create(root, access_key=key, email="b@example.org").status == 409


@pytest.mark.parametrize("bad", ["", "a:b", "a/b", "a b", "a\nb", "x" * 500, "a\u0000"])
def test_an_access_key_that_could_not_be_signed_with_is_400(root, bad):
    assert create(root, access_key=bad, email="a@example.org").status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"user": 1}', b'{"user": {"access_key": 1, "email": 2}}', b"\xff\xfe", b"null"])
def test_a_document_that_makes_no_sense_is_400(root, body):
    assert root.post("/users", [JSON], body).status == 400


def test_users_manage_no_accounts(user, key):
    assert user.get("/users").status == 403
    assert user.get(f"/users/{user.access_key}").status in (200, 403)
    assert user.post("/users", [JSON], document(access_key=key, email="a@example.org")).status == 403
    assert user.put(f"/users/{user.access_key}", [JSON], document(email="b@example.org")).status == 403
    assert user.delete("/users/root-of-the-test").status == 403
    assert user.anonymous().get("/users").status == 403


def test_an_unknown_account_is_404(root):
    assert root.get("/users/nobody").status == 404
    assert root.put("/users/nobody", [JSON], document(email="a@example.org")).status == 404
    assert root.delete("/users/nobody").status == 404


def test_accounts_as_xml(root, key):
    create(root, access_key=key, email="a@example.org")
    response = root.get("/users", [("Accept", "application/xml")])
    assert key in [node.text for node in response.xml.iter("access_key")]
