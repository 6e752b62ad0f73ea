"""VISOR's image service with the users of a real Keystone."""

import json
import time
import urllib.error
import urllib.request

import pytest
from rig.keystone import Keystone
from rig.visor import Visor

LIFETIME = 8


@pytest.fixture(scope="module")
def visor(keystone):
    """Asks Keystone about every token."""
    with Visor(keystone=keystone) as server:
        yield server


@pytest.fixture(scope="module")
def trusting(keystone):
    """Trusts an answer for ten minutes."""
    with Visor(keystone=keystone, cache="10m") as server:
        yield server


def call(visor, method, path, token=None, service=None, body=None):
    """(status, fields, document)."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token is not None:
        headers["X-Auth-Token"] = token
    if service is not None:
        headers["X-Service-Token"] = service
    request = urllib.request.Request(visor.url + path, method=method, headers=headers, data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.status, answer.headers, json.loads(text) if text else None
    except urllib.error.HTTPError as failure:
        return failure.code, failure.headers, failure.read()


def images(visor, token=None, service=None):
    return call(visor, "GET", "/v2/images", token, service)[0]


def create(visor, token, **attributes):
    return call(visor, "POST", "/v2/images", token, body={"name": "an image", **attributes})


def test_a_token_opens_the_image_service_for_its_project(keystone, visor):
    status, _, made = create(visor, keystone.token("alice"))
    assert status == 201
    assert made["owner"] == keystone.project("alpha")
    for name, seen in (("anna", 200), ("bob", 404), ("admin", 200)):
        assert call(visor, "GET", f"/v2/images/{made['id']}", keystone.token(name))[0] == seen, name


def test_without_a_good_token_the_answer_says_where_one_is_had(keystone, visor):
    for token in (None, "", "nonsense", "gAAAA" + "x" * 200):
        status, fields, _ = call(visor, "GET", "/v2/images", token)
        assert status == 401
        assert fields["WWW-Authenticate"] == f'Keystone uri="{keystone.origin}"'


def test_a_reader_changes_nothing(keystone, visor):
    token = keystone.token("rita")
    assert images(visor, token) == 200
    assert create(visor, token)[0] == 403
    made = create(visor, keystone.token("alice"))[2]
    assert call(visor, "GET", f"/v2/images/{made['id']}", token)[0] == 200
    assert call(visor, "DELETE", f"/v2/images/{made['id']}", token)[0] == 403


def test_only_an_administrator_publishes(keystone, visor):
    assert create(visor, keystone.token("alice"), visibility="public")[0] == 403
    assert create(visor, keystone.token("admin"), visibility="public")[0] == 201


def test_a_revoked_token_is_over_at_once(keystone, visor):
    token = keystone.token("alice")
    assert images(visor, token) == 200
    keystone.revoke(token)
    assert images(visor, token) == 401


def test_tokens_need_a_project_unless_they_are_a_system_administrators(keystone, visor):
    keystone.call("PUT", f"/v3/domains/default/users/{keystone.user('admin')}/roles/{keystone.role('admin')}")
    assert images(visor, keystone.token("admin", unscoped={})) == 403
    assert images(visor, keystone.token("admin", domain={"id": "default"})) == 403
    assert images(visor, keystone.token("admin", system={"all": True})) == 200


def test_an_application_credentials_token_is_its_projects(keystone, visor):
    credential, secret = keystone.application_credential("alice")
    identity = {"methods": ["application_credential"], "application_credential": {"id": credential, "secret": secret}}
    request = urllib.request.Request(f"{keystone.auth_url}/auth/tokens", method="POST", headers={"Content-Type": "application/json"},
                                     data=json.dumps({"auth": {"identity": identity}}).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        token = answer.headers["X-Subject-Token"]
    assert create(visor, token)[2]["owner"] == keystone.project("alpha")


def test_a_service_token_has_to_be_good(keystone, visor):
    token = keystone.token("alice")
    assert images(visor, token, keystone.token("nova")) == 200
    assert images(visor, token, keystone.token("bob")) == 200
    assert images(visor, token, "nonsense") == 401


def test_keystone_may_be_away_for_a_while(keystone, visor, trusting):
    known, unknown = keystone.token("alice"), keystone.token("anna")
    assert images(trusting, known) == 200
    keystone.stop()
    try:
        status, fields, _ = call(visor, "GET", "/v2/images", known)
        assert status == 503
        assert "Retry-After" in fields
        assert images(trusting, known) == 200
        assert images(trusting, unknown) == 503
    finally:
        keystone.start()
    assert images(visor, known) == images(trusting, unknown) == 200


def test_a_token_is_over_by_the_clock_though_it_is_remembered():
    with Keystone(lifetime=LIFETIME) as keystone, Visor(keystone=keystone, cache="10m") as server:
        token = keystone.token("alice")
        began = time.monotonic()
        assert images(server, token) == 200
        while (status := images(server, token)) == 200:
            assert time.monotonic() - began < 2 * LIFETIME + 2
            time.sleep(0.2)
        assert status == 401
        # The server's own token is over by then, too.
        assert images(server, keystone.token("anna")) == 200


def test_no_log_has_a_token(keystone):
    with Visor(keystone=keystone) as server:
        good, service = keystone.token("alice"), keystone.token("nova")
        assert images(server, good, service) == 200
        assert images(server, "a-token-that-was-guessed") == 401
        server.stop()
        told = server.log + "".join(path.read_text() for path in (server.data / "audit").iterdir())
        for secret in (good, service, "a-token-that-was-guessed", "password-of-visor"):
            assert secret not in told
