"""What Tempest is told of the cloud under test: everything that the Image API has switched on."""

import json

from rig.keystone import REGION, USERS

REMOTE = "image-remote"  # the second worker's service in the catalogue

CONFIGURATION = """\
[DEFAULT]
log_file = {folder}/tempest.log
debug = false
[oslo_concurrency]
lock_path = {folder}/locks
[service_available]
glance = true
cinder = false
neutron = false
nova = false
swift = false
horizon = false
[identity]
uri_v3 = {auth_url}
auth_version = v3
region = {region}
v3_endpoint_type = public
[identity-feature-enabled]
api_v3 = true
[auth]
{credentials}
create_isolated_networks = false
[enforce_scope]
glance = {readers}
[image]
region = {region}
alternate_image_endpoint = {remote}
image_caching_enabled = true
http_image = {raw}
http_qcow2_image = {qcow2}
build_timeout = 60
container_formats = bare,ami,ari,aki,ovf,ova,docker,compressed
disk_formats = raw,qcow2,ami,ari,aki,vhd,vhdx,vmdk,vdi,iso,ploop
[image-feature-enabled]
import_image = true
os_glance_reserved = true
manage_locations = true
image_conversion = false
image_format_enforcement = false
do_secure_hash = true
http_store_enabled = true
store_weight_enabled = true
[volume-feature-enabled]
enable_volume_image_dep_tests = false
"""

ADMINISTRATOR = """\
use_dynamic_credentials = true
admin_username = {user.name}
admin_password = {user.password}
admin_project_name = {user.project}
admin_domain_name = Default"""

ACCOUNTS = """\
use_dynamic_credentials = false
test_accounts_file = {path}"""


def write(folder, cloud, web):
    """Writes tempest.conf into the folder and returns its path. `cloud` is one of clouds.py, `web` has /raw and /qcow2."""
    if cloud.accounts is None:
        credentials = ADMINISTRATOR.format(user=USERS["admin"])
    else:
        accounts = folder / "accounts.yaml"
        accounts.write_text(json.dumps(cloud.accounts))  # YAML too
        credentials = ACCOUNTS.format(path=accounts)
    path = folder / "tempest.conf"
    path.write_text(CONFIGURATION.format(
        folder=folder, auth_url=cloud.auth_url, region=REGION, credentials=credentials,
        remote=REMOTE, readers="true" if cloud.accounts is None else "false", raw=web.url("/raw"), qcow2=web.url("/qcow2")))
    return path
