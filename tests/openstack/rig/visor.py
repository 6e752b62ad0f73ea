"""A real visord that speaks the Image API, on the end-to-end harness.

    with Visor(keystone=keystone) as visor:
        visor.url

Two writable file stores (`file`, which is always there, and `two`) and a store of references, `web`; the native interface beside. `remote_url` is a second
listener of the Image API, which VISOR's own identity offers as the service `remote`, if that has a name.
"""

import sys

from processes import free_ports

from . import ROOT
from .address import HOST
from .keystone import REGION, USERS

sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from harness.server import BINARIES, ROOT_KEY, ROOT_SECRET, Server, StartFailed  # noqa: E402

ATTEMPTS = 3

CONFIGURATION = """\
listeners:
  - address: 127.0.0.1:{native}
    serves: [native]
  - address: {host}:{glance}
    serves: [glance]
  - address: {host}:{remote}
    serves: [glance]
{identity_listener}stores:
  file:
    directory: DATA/one
  two:
    kind: file
    directory: DATA/two
  web:
    kind: http
references:
  http:
    exceptions: [{exceptions}]
identity:
  kind: {kind}
{identity}"""

KEYSTONE = """\
  keystone:
    addresses: ["{origin}"]
    username: {user.name}
    project: {user.project}
    password: {user.password}
    cache: {cache}
    timeout: {patience}
"""
# It shares the processors with all who ask it.
PATIENCE = "2m"
OWN = """\
  own:
    region: {region}
{endpoints}"""
REMOTE = """    endpoints:
      - type: {type}
        url: {url}
"""
EVERYBODY = """\
  everybody:
    account: {root}
    administrator: true
"""
IDENTITY_LISTENER = """\
  - address: {host}:{port}
    serves: [identity]
"""


class Visor(Server):
    """Used as a context manager. `identity`: own, http_basic or none; or a Keystone. `exceptions`: what may be fetched from though it
    is an address of this machine. `cache`: how long an answer of Keystone's is trusted. `more`: more configuration."""

    def __init__(self, identity="own", keystone=None, exceptions=(), cache="0s", more="", remote=None):
        # Gone with this process, whatever becomes of it.
        super().__init__(wrap=["setpriv", "--pdeathsig", "KILL"])
        self.keystone = keystone
        self._kind = "keystone" if keystone else identity
        self._exceptions, self._cache, self._more, self._service = exceptions, cache, more, remote
        self._glance = self._remote = self._identity = None

    def __enter__(self):
        for attempt in range(ATTEMPTS):
            self._configure()
            try:
                return super().__enter__()
            except StartFailed:
                # Another process may have taken a port meanwhile.
                if attempt + 1 == ATTEMPTS:
                    raise
                self.folder.mkdir()
        raise AssertionError("unreachable")

    def _configure(self):
        native, self._glance, self._remote, self._identity = free_ports(4)
        sections = {
            "keystone": lambda: KEYSTONE.format(origin=self.keystone.origin, user=USERS["visor"], cache=self._cache,
                                                patience=PATIENCE),
            "own": lambda: OWN.format(
                region=REGION, endpoints=REMOTE.format(type=self._service, url=self.remote_url) if self._service else ""),
            "none": lambda: EVERYBODY.format(root=ROOT_KEY),
            "http_basic": lambda: "",
        }
        self.config_text = self._more + CONFIGURATION.format(
            host=HOST, native=native, glance=self._glance, remote=self._remote, kind=self._kind, identity=sections[self._kind](),
            identity_listener=IDENTITY_LISTENER.format(host=HOST, port=self._identity) if self._kind == "own" else "",
            # It downloads from an image service that the catalogue names, too, and here that is itself.
            exceptions=", ".join(f'"{each}"' for each in (*self._exceptions, f"{HOST}:{self._glance}", f"{HOST}:{self._remote}")))

    def command(self):
        path = self.folder / "visor-config.yml"
        path.write_text(self.config_text)
        return [*self.wrap, str(BINARIES / "visord"), "--config", str(path), "--data", str(self.data), *self.arguments]

    @property
    def url(self):
        return f"http://{HOST}:{self._glance}"

    @property
    def remote_url(self):
        return f"http://{HOST}:{self._remote}"

    @property
    def auth_url(self):
        """Of whoever says who asks."""
        return self.keystone.auth_url if self.keystone else f"http://{HOST}:{self._identity}/v3"


ADMINISTRATOR = (ROOT_KEY, ROOT_SECRET)
