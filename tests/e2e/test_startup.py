"""Starts that fail, and say in one sentence why and what to do."""

import os
import re
import socket
import sqlite3
import subprocess

import pytest

from harness.server import BINARIES, Server, StartFailed


def failure(**options):
    server = Server(**options)
    with pytest.raises(StartFailed) as caught:
        with server:
            pass
    error = caught.value
    assert error.status not in (0, None) and error.status > 0, f"ended by a signal: {error}"
    assert "terminate called" not in error.text and "Sanitizer" not in error.text
    return error.text


def test_a_port_in_use_is_named():
    server = Server()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        original = server.command
        server.command = lambda: [part.replace("127.0.0.1:0", f"127.0.0.1:{port}") for part in original()]
        with pytest.raises(StartFailed) as caught:
            with server:
                pass
    assert str(port) in caught.value.text
    assert "listens there already" in caught.value.text


def test_a_data_folder_that_is_a_file_is_named(tmp_path):
    path = tmp_path / "occupied"
    path.write_text("a file, not a folder")
    text = failure(data=path)
    assert str(path) in text
    assert path.read_text() == "a file, not a folder"


def test_a_data_folder_below_a_file_is_named(tmp_path):
    (tmp_path / "occupied").write_text("")
    assert "occupied" in failure_below(tmp_path / "occupied" / "data")


def failure_below(path):
    done = subprocess.run(
        [BINARIES / "visord", "--data", path, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode > 0
    return done.stdout + done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; the two tests above stand in")
def test_a_data_folder_without_permission_is_named(tmp_path):
    path = tmp_path / "closed"
    path.mkdir(mode=0o500)
    assert str(path) in failure(data=path)


def test_a_data_folder_that_another_server_uses_is_refused():
    with Server() as first:
        text = failure(data=first.data)
        assert "in use" in text or "another" in text
        assert first.api().get("/images").status == 200


@pytest.mark.parametrize(
    "config, line, words",
    [
        ("log:\n  level: loud\n", 2, ["level", "loud"]),
        ("log:\n  levle: info\n", 2, ["levle"]),
        ("nonsense: 1\n", 1, ["nonsense"]),
        ("log:\n  level: [info\n", None, []),
        ("log: 5\n", 1, ["log"]),
        ("\tlog: x\n", 1, []),
        ("log:\n  level: info\nlog:\n  level: debug\n", None, ["log"]),
        ("quotas:\n  bytes: a lot\n", 2, ["bytes"]),
        ("quotas:\n  bytes: -5\n", 2, ["bytes"]),
        ("- just\n- a list\n", None, []),
    ],
)
def test_a_broken_configuration_names_file_line_key_and_what_is_allowed(config, line, words):
    text = failure(config=config)
    assert "visor-config.yml" in text
    if line is not None:
        assert re.search(rf"(visor-config\.yml:{line}\b|line {line}\b)", text), text
    for word in words:
        assert word in text, text


def test_an_invalid_value_lists_the_values_that_are_allowed():
    text = failure(config="log:\n  level: loud\n")
    for word in ("debug", "info", "warning", "error"):
        assert word in text


def test_a_configuration_that_is_missing_is_named(tmp_path):
    text = failure(arguments=["--config", str(tmp_path / "absent.yml")])
    assert "absent.yml" in text


@pytest.mark.parametrize("arguments", [["--no-such-option"], ["--listen", "nowhere"], ["--listen", "127.0.0.1:99999"], ["--listen", "1.2.3.4.5:1"]])
def test_wrong_options_are_refused_with_a_hint(arguments):
    done = subprocess.run([BINARIES / "visord", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode > 0
    assert done.stderr + done.stdout


def test_help_and_version():
    for option in ("--help", "--version"):
        done = subprocess.run([BINARIES / "visord", option], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0
        assert done.stdout


def database(server):
    found = [path for path in server.data.rglob("*") if path.is_file() and path.read_bytes()[:15] == b"SQLite format 3"]
    assert found, "the data folder holds a database"
    return found[0]


@pytest.mark.parametrize("damage", ["not a database", "header", "truncated"])
def test_a_corrupt_database_is_refused_and_named(damage):
    with Server() as server:
        for number in range(50):
            server.api().register(name=f"image {number}")
        assert server.stop() == 0
        path = database(server)
        for companion in ("-wal", "-shm"):
            (path.parent / (path.name + companion)).unlink(missing_ok=True)
        content = path.read_bytes()
        if damage == "not a database":
            path.write_bytes(b"this was a database once\n" * 100)
        elif damage == "header":
            path.write_bytes(b"\xff" * 100 + content[100:])
        else:
            path.write_bytes(content[: len(content) // 2])
        damaged = path.read_bytes()
        with pytest.raises(StartFailed) as caught:
            server.start()
        assert caught.value.status > 0
        assert path.name in caught.value.text or "catalogue" in caught.value.text
        assert path.read_bytes() == damaged, "the evidence is left as it is"


def test_a_database_of_a_later_version_is_refused():
    with Server() as server:
        server.api().register()
        assert server.stop() == 0
        with sqlite3.connect(database(server)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                pytest.skip("the schema's version is not in user_version")
            connection.execute(f"PRAGMA user_version = {version + 1000}")
        connection.close()
        with pytest.raises(StartFailed) as caught:
            server.start()
        assert "version" in caught.value.text


def test_the_first_administrator_is_made_and_shown_once():
    with Server(root_account=False) as server:
        match = re.search(r"access[ _]key:?\s+(\S+)\s+.*secret[ _]key:?\s+(\S+)", server.printed, re.I | re.S)
        assert match, server.printed
        key, secret = match.groups()
        assert server.api(key, secret).get("/users").status == 200
        assert secret not in server.log
        server.restart()
        assert server.printed.count(secret) == 1
        assert server.api(key, secret).get("/users").status == 200


def test_the_first_administrator_is_taken_from_the_environment_and_then_not_shown():
    with Server() as server:
        root = server.api()
        assert root.get("/users").status == 200
        assert root.secret not in server.printed + server.log


def test_the_ready_line_comes_when_it_serves_and_a_start_is_quick():
    import time

    with Server() as server:
        assert server.api().anonymous().get("/healthz").status == 200
        assert server.stop() == 0
        begun = time.monotonic()
        server.start()
        # Much more than it takes: another test may keep the disk busy meanwhile.
        assert time.monotonic() - begun < 30
