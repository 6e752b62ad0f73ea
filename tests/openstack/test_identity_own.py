"""VISOR's own identity, spoken with by the clients that people have: openstackclient, keystoneauth, openstacksdk, gophercloud.

The clients run as processes of their own, in the environment of the rig, so that each begins as a user's does.
"""

import base64
import json
import os
import pathlib
import subprocess
import urllib.error
import urllib.request

import pytest
from clients import OpenStackCommand
from rig import Unavailable
from rig.environment import environment, program
from rig.go_program import compiled
from rig.visor import ADMINISTRATOR, Visor

HERE = pathlib.Path(__file__).resolve().parent
DOMAIN = {"name": "Default"}


@pytest.fixture(scope="module")
def clients():
    try:
        return environment()
    except Unavailable as reason:
        pytest.skip(f"could not be had: {reason}")


with_clients = pytest.mark.usefixtures("clients")


@pytest.fixture(scope="module")
def visor():
    with Visor("own", remote="image-remote") as server:
        yield server


@pytest.fixture
def fresh():
    """A server that a test may stop and look into."""
    with Visor("own") as server:
        yield server


@pytest.fixture(scope="module")
def ada(visor):
    """Access key and secret of an account that is no administrator's."""
    return account(visor)


def account(visor):
    made = visor.api().create_user()
    return made.access_key, made.secret


# --- as programs ---


def variables(visor, key, secret, **more):
    """What a user's shell has after `source openrc`."""
    return {
        "PATH": os.environ["PATH"], "HOME": str(visor.folder), "OS_AUTH_URL": visor.auth_url, "OS_USERNAME": key, "OS_PASSWORD": secret,
        "OS_PROJECT_NAME": key, "OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default", "OS_IDENTITY_API_VERSION": "3",
        **more}


@pytest.fixture(scope="module")
def openstack(visor, tmp_path_factory):
    """Gives the document that `openstack` prints, or None."""
    try:
        made = OpenStackCommand({}, tmp_path_factory.mktemp("openstack"))
        with made as client:
            def ask(who, *words, **more):
                printed = client.run(*words, **variables(visor, *who, **more))
                return json.loads(printed) if printed.strip() else None

            yield ask
    except Unavailable as reason:
        pytest.skip(f"could not be had: {reason}")


def python(visor, who, text, **more):
    """What a program that uses OpenStack's libraries prints, as JSON."""
    done = subprocess.run([program("python"), "-c", text], env=variables(visor, *who, **more), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_openstackclient_gets_a_token_and_finds_the_services(visor, ada, openstack):
    token = openstack(ada, "token", "issue", "-f", "json")
    assert token["project_id"] == token["user_id"] == ada[0]
    catalogue = {entry["Type"]: entry for entry in openstack(ada, "catalog", "list", "-f", "json")}
    assert set(catalogue) == {"identity", "image", "image-remote"}
    for service, url in (("image", visor.url), ("image-remote", visor.remote_url)):
        urls = {endpoint["interface"]: endpoint["url"] for endpoint in catalogue[service]["Endpoints"]}
        assert urls == dict.fromkeys(("public", "internal", "admin"), url)


def test_openstackclient_shows_what_an_account_is(visor, ada, openstack):
    assert openstack(ada, "project", "show", ada[0], "-f", "json")["name"] == ada[0]
    assert openstack(ada, "user", "show", ada[0], "-f", "json")["default_project_id"] == ada[0]
    names = [project["Name"] for project in openstack(ada, "project", "list", "-f", "json")]
    assert names == [ada[0]]
    everybody = openstack(ADMINISTRATOR, "project", "list", "-f", "json")
    assert {ada[0], ADMINISTRATOR[0]} <= {project["Name"] for project in everybody}
    assert openstack(ADMINISTRATOR, "domain", "list", "-f", "json")[0]["Name"] == "Default"
    assert len(openstack(ADMINISTRATOR, "endpoint", "list", "-f", "json")) == 9


def test_openstackclient_revokes_a_token(visor, ada, openstack):
    token = openstack(ada, "token", "issue", "-f", "json")["id"]
    openstack(ada, "token", "revoke", token)
    assert call(visor, "GET", "/v3/auth/projects", token=token)[0] == 401


def test_openstackclient_makes_uses_and_removes_an_application_credential(visor, ada, openstack):
    made = openstack(ada, "application", "credential", "create", "nightly", "--role", "reader", "-f", "json")
    with_credential = {"OS_AUTH_TYPE": "v3applicationcredential", "OS_APPLICATION_CREDENTIAL_ID": made["ID"],
                       "OS_APPLICATION_CREDENTIAL_SECRET": made["Secret"]}
    bare = {name: "" for name in ("OS_USERNAME", "OS_PASSWORD", "OS_PROJECT_NAME", "OS_USER_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME")}
    token = openstack(ada, "token", "issue", "-f", "json", **with_credential, **bare)
    assert token["project_id"] == ada[0]
    roles = call(visor, "GET", "/v3/auth/tokens", token=token["id"], subject=token["id"])[2]["token"]["roles"]
    assert [role["name"] for role in roles] == ["reader"]
    listed = openstack(ada, "application", "credential", "list", "-f", "json")
    assert "nightly" in [credential["Name"] for credential in listed]
    openstack(ada, "application", "credential", "delete", "nightly")
    assert call(visor, "GET", "/v3/auth/projects", token=token["id"])[0] == 401


KEYSTONEAUTH = """
import json, os
from keystoneauth1 import session
from keystoneauth1.identity import v3
url, key, secret = (os.environ[name] for name in ("OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD"))
by_name = dict(user_domain_name="Default", project_domain_name="Default", project_name=key)
def look(auth):
    here = session.Session(auth=auth)
    access = auth.get_access(here)
    return {"project": access.project_id, "roles": access.role_names, "methods": access._data["token"]["methods"],
            "image": here.get_endpoint(service_type="image", interface="public", region_name="RegionOne"),
            "seconds": (access.expires - access.issued).total_seconds(), "token": access.auth_token}
found = {"by name": look(v3.Password(url, username=key, password=secret, **by_name)),
         "by id": look(v3.Password(url, user_id=key, password=secret, project_id=key))}
unscoped = v3.Password(url, username=key, password=secret, user_domain_id="default", unscoped=True)
token = unscoped.get_access(session.Session()).auth_token
found["by token"] = look(v3.Token(url, token=token, project_id=key))
here = session.Session(auth=v3.Password(url, user_id=key, password=secret, project_id=key))
made = here.post(f"{url}/users/{key}/application_credentials", json={"application_credential": {"name": "auth"}}).json()
credential = made["application_credential"]
found["by credential"] = look(v3.ApplicationCredential(
    url, application_credential_id=credential["id"], application_credential_secret=credential["secret"]))
found["by credential's name"] = look(v3.ApplicationCredential(
    url, application_credential_name="auth", username=key, user_domain_name="Default",
    application_credential_secret=credential["secret"]))
print(json.dumps(found))
"""


@with_clients
def test_keystoneauth_gets_tokens_in_every_way(visor, ada):
    found = python(visor, ada, KEYSTONEAUTH)
    assert len(found) == 5
    for way, access in found.items():
        assert access["project"] == ada[0], way
        assert access["roles"] == ["member", "reader"], way
        assert access["image"] == visor.url, way
        assert 0 < access["seconds"] <= 3600, way
    assert found["by name"]["methods"] == ["password"]
    assert found["by token"]["methods"] == ["password", "token"]
    assert found["by credential"]["methods"] == ["application_credential"]


SYSTEM = """
import json, os
from keystoneauth1 import session
from keystoneauth1.identity import v3
auth = v3.Password(os.environ["OS_AUTH_URL"], user_id=os.environ["OS_USERNAME"], password=os.environ["OS_PASSWORD"], system_scope="all")
access = auth.get_access(session.Session())
print(json.dumps({"system": access.system, "project": access.project_id, "roles": access.role_names}))
"""


@with_clients
def test_keystoneauth_gets_an_administrator_a_token_for_the_system(visor):
    assert python(visor, ADMINISTRATOR, SYSTEM) == {"system": {"all": True}, "project": None, "roles": ["admin", "member", "reader"]}


SDK = """
import json, openstack
cloud = openstack.connect()
cloud.authorize()
print(json.dumps({"project": cloud.current_project_id, "user": cloud.current_user_id, "images": len(list(cloud.image.images()))}))
"""


@with_clients
def test_openstacksdk_connects_and_lists_images(visor, ada):
    assert python(visor, ada, SDK) == {"project": ada[0], "user": ada[0], "images": 0}


def test_gophercloud_connects_and_lists_images(visor, ada):
    try:
        built = compiled(HERE / "gophercloud_identity")
    except Unavailable as reason:
        pytest.skip(f"could not be had: {reason}")
    shown = subprocess.run([built], env=variables(visor, *ada, OS_PROJECT_ID=ada[0], OS_DOMAIN_NAME="Default"), capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    found = json.loads(shown.stdout)
    assert found == {"project": ada[0], "user": ada[0], "roles": ["member", "reader"], "image": visor.url + "/", "images": 0}


# --- as requests ---


def call(visor, method, path, body=None, token=None, subject=None, origin=None, **fields):
    """(status, fields, document) of an answer."""
    headers = {"Content-Type": "application/json", "Accept": "application/json", **fields}
    if token is not None:
        headers["X-Auth-Token"] = token
    if subject is not None:
        headers["X-Subject-Token"] = subject
    request = urllib.request.Request((origin or visor.auth_url.removesuffix("/v3")) + path, method=method, headers=headers,
                                     data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.status, answer.headers, json.loads(text) if text else None
    except urllib.error.HTTPError as failure:
        text = failure.read()
        return failure.code, failure.headers, json.loads(text) if text else None


def login(visor, key, secret, **scope):
    user = {"name": key, "domain": DOMAIN, "password": secret}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}, **scope}
    return call(visor, "POST", "/v3/auth/tokens", {"auth": auth})


def token_of(visor, who):
    status, fields, _ = login(visor, *who)
    assert status == 201
    return fields["X-Subject-Token"]


def images(visor, token=None, **fields):
    """The status with which the image service answers a list."""
    return call(visor, "GET", "/v2/images", token=token, origin=visor.url, **fields)[0]


def test_versions_are_told_to_everybody(visor):
    status, _, document = call(visor, "GET", "/")
    assert status == 300
    assert document["versions"]["values"][0]["links"][0]["href"] == visor.auth_url + "/"
    status, _, document = call(visor, "GET", "/v3")
    assert status == 200
    assert document["version"]["status"] == "stable"


def test_a_token_opens_the_image_service_until_it_is_revoked(visor, ada):
    token = token_of(visor, ada)
    assert images(visor, token) == 200
    assert images(visor) == images(visor, "v1.no.token") == 401
    assert call(visor, "DELETE", "/v3/auth/tokens", token=token, subject=token)[0] == 204
    assert images(visor, token) == 401


def test_tokens_and_revocations_outlive_a_restart(fresh):
    good, revoked = (token_of(fresh, ADMINISTRATOR) for _ in range(2))
    assert call(fresh, "DELETE", "/v3/auth/tokens", token=good, subject=revoked)[0] == 204
    fresh.restart()
    assert images(fresh, good) == 200
    assert images(fresh, revoked) == 401


def test_what_happens_to_an_account_happens_to_its_tokens(visor):
    who = account(visor)
    root = visor.api()

    def enable(enabled):
        body = json.dumps({"user": {"enabled": enabled}}).encode()
        assert root.put(f"/users/{who[0]}", [("Content-Type", "application/json")], body).status == 200

    token = token_of(visor, who)
    enable(False)
    assert images(visor, token) == login(visor, *who)[0] == 401
    enable(True)
    assert images(visor, token) == 401
    token = token_of(visor, who)
    assert images(visor, token) == 200
    assert root.delete(f"/users/{who[0]}").status == 200
    assert images(visor, token) == login(visor, *who)[0] == 401


def test_a_token_without_a_project_opens_nothing(visor, ada):
    status, fields, document = login(visor, *ada, scope="unscoped")
    assert status == 201
    assert "project" not in document["token"]
    assert images(visor, fields["X-Subject-Token"]) == 403


def test_errors_have_keystones_form(visor, ada):
    status, fields, document = login(visor, ada[0], "wrong-" + ada[1])
    assert status == 401
    assert fields["WWW-Authenticate"] == f'Keystone uri="{visor.auth_url}"'
    assert document["error"]["code"] == 401
    assert document["error"]["title"] == "Unauthorized"
    assert login(visor, "nobody-at-all", "wrong")[2] == document
    assert login(visor, *ada, scope={"project": {"id": ADMINISTRATOR[0]}})[0] == 401
    assert login(visor, *ada, scope={"system": {"all": True}})[0] == 401
    for wrong in ({}, {"auth": {}}, {"auth": {"identity": {"methods": []}}}, {"auth": {"identity": {"methods": ["password"]}}}, []):
        assert call(visor, "POST", "/v3/auth/tokens", wrong)[0] == 400, wrong
    assert call(visor, "POST", "/v3/auth/tokens", {"auth": {"identity": {"methods": ["totp"], "totp": {}}}})[0] == 401
    token = token_of(visor, ada)
    assert call(visor, "GET", "/v3/nonsense", token=token)[0] == 404
    status, fields, _ = call(visor, "PUT", "/v3/auth/tokens", {}, token=token)
    assert (status, fields["Allow"]) == (405, "POST, GET, HEAD, DELETE")
    assert call(visor, "GET", "/v3/users/" + ADMINISTRATOR[0], token=token)[0] == 403
    assert call(visor, "GET", "/v3/projects", token=token)[0] == 403


def test_guessing_is_slowed_down(fresh):
    statuses = [login(fresh, ADMINISTRATOR[0], f"guess-number-{i}")[0] for i in range(10)]
    assert statuses[:6] == [401] * 6
    assert 429 in statuses
    assert login(fresh, "somebody-else", "guess-number-1")[0] == 401


def test_no_log_has_a_password_or_a_token(fresh):
    who = account(fresh)
    token = token_of(fresh, who)
    made = call(fresh, "POST", f"/v3/users/{who[0]}/application_credentials",
                {"application_credential": {"name": "logged", "secret": "chosen-by-its-maker"}}, token=token)[2]
    assert made["application_credential"]["secret"] == "chosen-by-its-maker"
    images(fresh, token)
    images(fresh, "v1.a-token-that-was.guessed")
    login(fresh, who[0], "a-password-that-was-guessed")
    call(fresh, "GET", "/v3/auth/tokens", token=token, subject=token)
    call(fresh, "DELETE", "/v3/auth/tokens", token=token, subject=token)
    images(fresh, Authorization="Basic " + base64.b64encode(f"{who[0]}:{who[1]}".encode()).decode())
    fresh.stop()
    told = fresh.log + "".join(path.read_text() for path in (fresh.data / "audit").iterdir())
    for verb in ("token.create", "token.revoke", "credential.create"):
        assert verb in told
    assert told.count("request.authenticate") >= 3
    for secret in (who[1], token, token.split(".")[2], "chosen-by-its-maker", "a-token-that-was", "a-password-that-was"):
        assert secret not in told


def test_access_key_and_secret_are_enough_where_it_is_so_configured():
    with Visor("http_basic") as server:
        key, secret = account(server)

        def basic(text):
            return images(server, Authorization="Basic " + base64.b64encode(text.encode()).decode())

        assert basic(f"{key}:{secret}") == 200
        assert basic(f"{key}:{secret}x") == images(server) == 401
        assert call(server, "GET", "/v2/images", origin=server.url)[1]["WWW-Authenticate"].startswith("Basic ")


def test_nobody_is_asked_where_it_is_so_configured():
    with Visor("none") as server:
        assert images(server) == images(server, "any") == 200
