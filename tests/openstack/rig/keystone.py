"""A real Keystone: SQLite, Fernet tokens, projects and users that the tests know by name.

    with Keystone() as keystone:
        keystone.offer("image", "http://127.0.0.1:9292")
        token = keystone.token("alice")

The database of the first start is kept in build/openstack, so that the next ones take a second.
"""

import dataclasses
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import urllib.error
import urllib.request

from . import CACHE, Unavailable
from .environment import alone, program, version
from .wsgi import WsgiServer

REGION = "RegionOne"
DOMAIN = "default"


@dataclasses.dataclass(frozen=True)
class User:
    """Someone of the domain `default`, with roles in one project."""

    name: str
    project: str
    roles: tuple[str, ...]

    @property
    def password(self):
        return f"password-of-{self.name}"


USERS = {user.name: user for user in (
    User("admin", "admin", ("admin",)),
    User("visor", "service", ("service",)),  # whose token VISOR shows when it asks about others'
    User("nova", "service", ("service",)),  # another service, which vouches for its callers
    User("alice", "alpha", ("member", "reader")),
    User("anna", "alpha", ("member", "reader")),
    User("rita", "alpha", ("reader",)),
    User("bob", "beta", ("member", "reader")),
    User("carol", "gamma", ("member", "reader")),
)}

CONFIGURATION = """\
[DEFAULT]
public_endpoint = {origin}
use_stderr = true
[database]
connection = sqlite:///{place}/keystone.db
sqlite_synchronous = false
[fernet_tokens]
key_repository = {place}/fernet
[credential]
key_repository = {place}/credential
[token]
expiration = {lifetime}
allow_expired_window = 0
[identity]
password_hash_rounds = 4
[cache]
enabled = false
[oslo_policy]
policy_file = {place}/policy.yaml
"""


class Refused(Exception):
    """An answer of Keystone's that is an error."""

    def __init__(self, status, text):
        super().__init__(f"Keystone answered {status}: {text[:500]}")
        self.status = status


class Keystone(WsgiServer):
    """`lifetime`: of a token, in seconds."""

    module = "keystone.wsgi.api:application"
    ready_path = "/v3"
    # SQLite has one writer, and tests make users in crowds.
    threads = 1

    def __init__(self, lifetime=3600):
        super().__init__()
        self.lifetime = lifetime
        self._admin = None

    # --- life ---

    def prepare(self):
        shutil.copytree(_filled(), self.place, dirs_exist_ok=True)
        self._configure()

    def began(self):
        self.offer("identity", f"{self.origin}/v3", name="keystone")

    def variables(self):
        return {"OS_KEYSTONE_CONFIG_FILES": str(self.place / "keystone.conf")}

    def _configure(self):
        (self.place / "keystone.conf").write_text(
            CONFIGURATION.format(place=self.place, origin=self.origin, lifetime=self.lifetime))

    def _manage(self, *words):
        done = subprocess.run([program("keystone-manage"), "--config-file", self.place / "keystone.conf", *words],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Unavailable(f"keystone-manage {words[0]} failed: {done.stderr[-600:].strip()}")

    # --- what tests ask it ---

    @property
    def auth_url(self):
        return f"{self.origin}/v3"

    def token(self, user, project=None, password=None, **scope):
        """For a user of USERS or one made here, in the user's own project or another; `scope` is another scope in Keystone's form."""
        return self._token(user, project, password, scope)[0]

    def describe(self, token):
        """What Keystone says of a token; Refused with 404 if it isn't valid."""
        return self.call("GET", "/v3/auth/tokens", headers={"X-Subject-Token": token})["token"]

    def revoke(self, token):
        self.call("DELETE", "/v3/auth/tokens", headers={"X-Subject-Token": token})

    def project(self, name):
        """Its id; it is made if it isn't there."""
        found = self.call("GET", f"/v3/projects?name={name}")["projects"]
        return (found or [self.call("POST", "/v3/projects", {"project": {"name": name, "domain_id": DOMAIN}})["project"]])[0]["id"]

    def user(self, name):
        """Its id, or None."""
        found = self.call("GET", f"/v3/users?name={name}")["users"]
        return found[0]["id"] if found else None

    def add(self, user):
        """Makes a User, its project, and its roles there; returns the user's id."""
        project = self.project(user.project)
        made = self.user(user.name) or self.call("POST", "/v3/users", {"user": {
            "name": user.name, "password": user.password, "domain_id": DOMAIN, "default_project_id": project}})["user"]["id"]
        for role in user.roles:
            self.call("PUT", f"/v3/projects/{project}/users/{made}/roles/{self.role(role)}")
        return made

    def role(self, name):
        return self.call("GET", f"/v3/roles?name={name}")["roles"][0]["id"]

    def application_credential(self, user, **more):
        """(id, secret) of a new one, that a user made for its own project."""
        token, body = self._token(user, None, None, {})
        made = self.call("POST", f"/v3/users/{body['user']['id']}/application_credentials",
                         {"application_credential": {"name": f"of-{user}-{len(more)}", **more}}, token=token)
        return made["application_credential"]["id"], made["application_credential"]["secret"]

    def offer(self, kind, url, name="", region=REGION):
        """Puts a service into the catalogue, at all three interfaces."""
        service = self.call("POST", "/v3/services", {"service": {"type": kind, "name": name or kind}})["service"]["id"]
        for interface in ("public", "internal", "admin"):
            self.call("POST", "/v3/endpoints",
                      {"endpoint": {"service_id": service, "interface": interface, "region_id": region, "url": url}})

    def call(self, method, path, body=None, token=None, headers=None):
        """The answer's document; as the administrator if no token is given."""
        return self._call(method, path, body, token or self._administrator(), headers)[1]

    def _administrator(self):
        if self._admin is None:
            self._admin = self._token("admin", None, None, {})[0]
        return self._admin

    def _token(self, name, project, password, scope):
        user = USERS.get(name) or User(name, project or "", ())
        who = {"name": name, "domain": {"id": DOMAIN}, "password": password or user.password}
        where = scope or {"project": {"name": project or user.project, "domain": {"id": DOMAIN}}}
        headers, body = self._call("POST", "/v3/auth/tokens", {"auth": {
            "identity": {"methods": ["password"], "password": {"user": who}}, "scope": where}}, None, None)
        return headers["X-Subject-Token"], body["token"]

    def _call(self, method, path, body, token, headers):
        headers = {"Content-Type": "application/json", **(headers or {})}
        if token:
            headers["X-Auth-Token"] = token
        request = urllib.request.Request(self.origin + path, method=method, headers=headers,
                                         data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.headers, json.loads(text) if text else None
        except urllib.error.HTTPError as failure:
            raise Refused(failure.code, failure.read().decode("utf-8", "replace")) from None


class _Empty(Keystone):
    """The one that fills the database that all others begin with."""

    def prepare(self):
        (self.place / "policy.yaml").write_text("{}\n")
        for folder in ("fernet", "credential"):
            (self.place / folder).mkdir(mode=0o700)
        self._configure()
        self._manage("db_sync")
        owner = ("--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid()))
        self._manage("fernet_setup", *owner)
        self._manage("credential_setup", *owner)
        self._manage("bootstrap", "--bootstrap-password", USERS["admin"].password, "--bootstrap-region-id", REGION)

    def began(self):
        for user in USERS.values():
            self.add(user)

    def leave(self, folder):
        """Stops it, and puts what a Keystone begins with into the folder."""
        self.stop()
        with sqlite3.connect(self.place / "keystone.db") as database:
            database.execute("VACUUM")
        database.close()
        for name in ("keystone.db", "policy.yaml"):
            shutil.copy(self.place / name, folder)
        for name in ("fernet", "credential"):
            shutil.copytree(self.place / name, pathlib.Path(folder, name))


def _filled():
    """The folder that each Keystone begins with a copy of."""
    made = CACHE / f"keystone-{version()}"
    with alone("keystone"):
        if not made.exists():
            with tempfile.TemporaryDirectory(dir=CACHE, prefix="keystone-") as folder:
                with _Empty() as empty:
                    partial = pathlib.Path(folder, "made")
                    partial.mkdir()
                    empty.leave(partial)
                partial.rename(made)
    return made
