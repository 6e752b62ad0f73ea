"""A whole cloud of an image service and an identity: what Tempest and the clients are pointed at.

A cloud has `auth_url`, `url` (of the image service), `remote_url` (of its second worker, which the catalogue names by the type `remote` that a cloud is made
with), `stores` (the writable ones), and `accounts` (those that Tempest may use, where it can't make its own). `variables("alice")` is what alice has in her environment, `project("alice")` the id of her project.
"""

import contextlib
import pathlib
import shutil

from .glance import Glance
from .keystone import DOMAIN, REGION, USERS, Keystone
from .visor import ADMINISTRATOR, Visor

# A class of tests keeps up to two administrators and three others to itself.
TEMPEST_ADMINISTRATORS, TEMPEST_MEMBERS = 8, 16


def variables(cloud, user, password, project):
    """What clients look for in their environment."""
    return {"OS_AUTH_URL": cloud.auth_url, "OS_USERNAME": user, "OS_PASSWORD": password, "OS_PROJECT_NAME": project,
            "OS_USER_DOMAIN_ID": DOMAIN, "OS_PROJECT_DOMAIN_ID": DOMAIN, "OS_IDENTITY_API_VERSION": "3", "OS_REGION_NAME": REGION,
            "OS_INTERFACE": "public", "IMAGE_URL": cloud.url}


class KeystonePeople:
    """The users of keystone.USERS."""

    def variables(self, name):
        return variables(self, name, USERS[name].password, USERS[name].project)

    def project(self, name):
        return self.keystone.project(USERS[name].project)


class GlanceCloud(KeystonePeople):
    """Used as a context manager: Keystone and two workers of Glance."""

    accounts = None
    stores = "one,two"

    def __init__(self, remote=None):
        self._service = remote

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.keystone = stack.enter_context(Keystone())
            self.server = stack.enter_context(Glance(self.keystone, inspect=False))
            self._remote = stack.enter_context(Glance(self.keystone, beside=self.server, inspect=False))
            self.auth_url, self.url, self.remote_url = self.keystone.auth_url, self.server.url, self._remote.url
            self.keystone.offer("image", self.url, name="glance")
            if self._service:
                self.keystone.offer(self._service, self.remote_url)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def keep_logs(self, folder):
        for name, server in (("keystone", self.keystone), ("glance", self.server), ("glance-remote", self._remote)):
            shutil.copy(server.place / "log", pathlib.Path(folder, f"{name}.log"))


class VisorCloud(KeystonePeople):
    """Used as a context manager: visord, and a Keystone or visord's own identity. `exceptions` and `more` as in Visor."""

    stores = "file,two"

    def __init__(self, identity, *exceptions, more="", remote=None):
        self._identity, self._exceptions, self._more, self._service = identity, exceptions, more, remote
        self.keystone, self.accounts = None, None
        self.people = {}

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            if self._identity == "keystone":
                self.keystone = stack.enter_context(Keystone())
            self.server = stack.enter_context(Visor(identity=self._identity, keystone=self.keystone, exceptions=self._exceptions, cache="5m",
                                                    more=self._more, remote=self._service))
            self.auth_url, self.url, self.remote_url = self.server.auth_url, self.server.url, self.server.remote_url
            if self.keystone:
                self.keystone.offer("image", self.url, name="visor")
                if self._service:
                    self.keystone.offer(self._service, self.remote_url)
            else:
                self.accounts = self._accounts()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _accounts(self):
        """In the form of Tempest's accounts.yaml. An account is its own project."""
        root = self.server.api()
        made = [(root.create_user(administrator=number < TEMPEST_ADMINISTRATORS), number < TEMPEST_ADMINISTRATORS)
                for number in range(TEMPEST_ADMINISTRATORS + TEMPEST_MEMBERS)]
        accounts = [{"username": api.access_key, "password": api.secret, "project_name": api.access_key, "user_domain_name": "Default",
                     "project_domain_name": "Default", "roles": ["admin"] if administrator else ["member"]}
                    for api, administrator in made]
        # Tempest wants a reader in the project of each member, and takes two entries for two users if they name the project differently.
        # They stand behind the others, where it looks for a user of another project only when those are taken.
        readers = [{**{name: value for name, value in account.items() if name != "project_name"}, "tenant_name": account["project_name"],
                    "roles": ["reader"]} for account in accounts if account["roles"] == ["member"]]
        return accounts + readers

    def variables(self, name):
        if self.keystone:
            return super().variables(name)
        # An account is its own project.
        key, secret = self.person(name)
        return variables(self, key, secret, key)

    def project(self, name):
        return super().project(name) if self.keystone else self.person(name)[0]

    def person(self, name):
        """Access key and secret of an account of that name, which is made if it isn't there."""
        if name == "admin":
            return ADMINISTRATOR
        if name not in self.people:
            made = self.server.api().create_user(access_key=name)
            self.people[name] = made.access_key, made.secret
        return self.people[name]

    def keep_logs(self, folder):
        pathlib.Path(folder, "visord.log").write_text(self.server.log)
        if self.keystone:
            shutil.copy(self.keystone.place / "log", pathlib.Path(folder, "keystone.log"))
