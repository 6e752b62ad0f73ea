"""visor admin, visor config and visor server."""

import json
import re

import pytest

from harness.api import Api
from harness.server import BINARIES, Server

DONE, USAGE, NOT_FOUND, NOT_PERMITTED, CONFLICT = 0, 2, 3, 4, 5


def secret_in(text):
    match = re.search(r"secret[_ ]key\W+([A-Za-z0-9+/=_-]{16,})", text)
    assert match, text
    return match.group(1)


def test_an_account_from_its_making_to_its_end(server, mark):
    done = server.cli("admin", "add", f"access_key={mark}", "email=a@example.org", check=DONE)
    secret = secret_in(done.stdout)
    assert Api(server.host, server.port, mark, secret).get("/images").status == 200
    assert mark in server.cli("admin", "list", check=DONE).stdout
    assert "a@example.org" in server.cli("admin", "get", mark, check=DONE).stdout
    server.cli("admin", "update", mark, "email=b@example.org", check=DONE)
    shown = server.cli("admin", "get", mark, check=DONE).stdout
    assert "b@example.org" in shown and secret not in shown
    server.cli("admin", "delete", mark, check=DONE)
    server.cli("admin", "get", mark, check=NOT_FOUND)


def test_admin_documents_as_json(server, mark):
    done = server.cli("admin", "add", f"access_key={mark}", "email=a@example.org", "--json", check=DONE)
    document = json.loads(done.stdout)
    assert document.get("user", document)["access_key"] == mark
    listed = json.loads(server.cli("admin", "list", "--json", check=DONE).stdout)
    accounts = listed["users"] if isinstance(listed, dict) else listed
    assert mark in [account["access_key"] for account in accounts]


def test_admin_exit_statuses(server, root, mark):
    user = root.create_user()
    server.cli("admin", "list", api=user, check=NOT_PERMITTED)
    server.cli("admin", "add", f"access_key={user.access_key}", "email=x@example.org", check=CONFLICT)
    server.cli("admin", "frobnicate", check=USAGE)


def test_config_writes_a_template_that_the_server_takes(server, tmp_path):
    done = server.cli("config", check=DONE, cwd=tmp_path)
    written = list(tmp_path.glob("visor-config.yml"))
    template = written[0].read_text() if written else done.stdout
    assert template.count("#") > 10, "it is commented"
    for section in ("log", "store"):
        assert section in template
    with Server(config=template) as fresh:
        assert fresh.api().get("/images").status == 200


def test_server_start_status_and_stop(server, tmp_path):
    environment = {"VISOR_ROOT_ACCESS_KEY": "first", "VISOR_ROOT_SECRET_KEY": "0123456789abcdef0123456789abcdef", "PATH": f"{BINARIES}:/usr/bin:/bin"}
    folder = tmp_path / "data"
    arguments = ["--data", folder]
    started = server.cli("server", "start", *arguments, "--listen", "127.0.0.1:0", environment=environment)
    assert started.returncode == DONE, started
    try:
        status = server.cli("server", "status", *arguments, environment=environment, check=DONE)
        assert "127.0.0.1:" in status.stdout + started.stdout
        again = server.cli("server", "start", *arguments, "--listen", "127.0.0.1:0", environment=environment)
        assert again.returncode != DONE
    finally:
        stopped = server.cli("server", "stop", *arguments, environment=environment)
    assert stopped.returncode == DONE, stopped
    assert server.cli("server", "status", *arguments, environment=environment).returncode != DONE


@pytest.mark.parametrize("command", ["stop", "status"])
def test_a_server_that_does_not_run_is_told(server, tmp_path, command):
    done = server.cli("server", command, "--data", tmp_path / "nothing")
    assert done.returncode != DONE
    assert done.stderr.strip() or done.stdout.strip()
