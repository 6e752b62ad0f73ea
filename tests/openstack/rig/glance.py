"""A real Glance: what the rig proves itself with, before it is held against VISOR.

    with Keystone() as keystone, Glance(keystone) as glance:
        glance.url

Two writable file stores (`one` and `two`) and a store of references, `web`. `beside` gives a second worker: the same images, a
staging folder and a cache of its own. The database that all begin with is kept in build/openstack.
"""

import pathlib
import shutil
import subprocess
import tempfile

from . import CACHE, Unavailable
from .environment import alone, program, shared, version
from .keystone import USERS
from .wsgi import WsgiServer

APPLICATIONS = pathlib.Path(__file__).resolve().parent / "applications"
CONFIGURATION = """\
[DEFAULT]
use_stderr = true
enabled_backends = one:file,two:file,web:http
enabled_import_methods = [glance-direct,web-download,copy-image,glance-download]
show_multiple_locations = true
show_image_direct_url = true
node_staging_uri = file://{place}/staging
image_cache_dir = {place}/cache
image_cache_driver = sqlite
worker_self_reference_url = {origin}
image_size_cap = 1099511627776
{more}
[database]
connection = sqlite:///{data}/glance.db?timeout=60
sqlite_synchronous = false
[glance_store]
default_backend = one
[one]
filesystem_store_datadir = {data}/one
weight = 2
[two]
filesystem_store_datadir = {data}/two
weight = 1
[os_glance_staging_store]
filesystem_store_datadir = {place}/staging
[os_glance_tasks_store]
filesystem_store_datadir = {place}/tasks
[image_format]
require_image_format_match = {inspect}
[import_filtering_opts]
allowed_ports = []
[paste_deploy]
config_file = {paste}
flavor = {flavor}
[oslo_policy]
policy_file = {place}/policy.yaml
"""

ASKS_KEYSTONE = """\
[keystone_authtoken]
auth_type = password
auth_url = {auth_url}
www_authenticate_uri = {auth_url}
username = visor
password = {password}
project_name = service
user_domain_id = default
project_domain_id = default
service_token_roles_required = true
token_cache_time = {trusted}
"""


class Glance(WsgiServer):
    """With a Keystone; without one everybody is the administrator. `inspect`: uploads must be of the format that they say. `trusting`: an answer
    of Keystone's is good for five minutes, else for one request. `more`: options of the section DEFAULT, a line each."""

    module = "glance_on_sqlite:application"
    threads = 16

    def __init__(self, keystone=None, beside=None, inspect=True, trusting=True, more=""):
        super().__init__()
        self._inspect, self._trusting, self._more = inspect, trusting, more
        self.keystone, self._beside = keystone, beside

    @property
    def url(self):
        return self.origin

    def prepare(self):
        data = self._beside.place if self._beside else self.place
        for folder in ("one", "two", "staging", "tasks", "cache"):
            (self.place / folder).mkdir()
        (self.place / "policy.yaml").write_text("{}\n")
        # The pipelines' own file names a folder that isn't here.
        paste = self.place / "glance-api-paste.ini"
        shutil.copy(shared("etc/glance/glance-api-paste.ini"), paste)
        text = CONFIGURATION.format(place=self.place, data=data, origin=self.origin, paste=paste, inspect=str(self._inspect).lower(),
                                    flavor="keystone+cachemanagement" if self.keystone else "cachemanagement", more=self._more)
        if self.keystone:
            text += ASKS_KEYSTONE.format(auth_url=self.keystone.auth_url, password=USERS["visor"].password, trusted=300 if self._trusting else -1)
        (self.place / "glance-api.conf").write_text(text)
        if not self._beside:
            shutil.copy(_filled(), self.place / "glance.db")

    def variables(self):
        return {"OS_GLANCE_CONFIG_DIR": str(self.place), "PYTHONPATH": str(APPLICATIONS)}


def _filled():
    """The database that each Glance begins with a copy of."""
    made = CACHE / f"glance-{version()}.db"
    with alone("glance"):
        if not made.exists():
            with tempfile.TemporaryDirectory(dir=CACHE, prefix="glance-") as folder:
                partial, configuration = pathlib.Path(folder, "glance.db"), pathlib.Path(folder, "glance-api.conf")
                configuration.write_text(f"[database]\nconnection = sqlite:///{partial}\n")
                _manage(configuration, "db_sync")
                _manage(configuration, "db_load_metadefs", shared("etc/glance/metadefs"))
                partial.rename(made)
    return made


def _manage(configuration, *words):
    done = subprocess.run([program("glance-manage"), "--config-file", configuration, *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"glance-manage {words[0]} failed: {done.stderr[-600:].strip()}")
