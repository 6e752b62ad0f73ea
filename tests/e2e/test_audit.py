"""The audit log: every change and every refusal, whole after kill -9, and no change without it."""

import concurrent.futures
import http.client
import json
import shutil
import subprocess
import uuid

import pytest

from harness.api import BINARY, meta
from harness.payload import data
from harness.server import BINARIES, Server
from harness.wait import eventually


def files(server):
    return sorted(path for path in (server.data / "audit").glob("audit-*.log") if path.name[6:-4].isdigit())


def lines(server, killed=False):
    """Every line but the log's own. The last one of a server that was killed may be torn: it tells of nothing."""
    found = []
    texts = [line for path in files(server) for line in path.read_text("utf-8").splitlines() if line]
    for line in texts:
        try:
            found.append(json.loads(line))
        except ValueError:
            assert killed and line is texts[-1], line
    return [line for line in found if not line["verb"].startswith("log.")]


def told(server, **wanted):
    return [line for line in lines(server) if all(line.get(name) == value for name, value in wanted.items())]


def visord(server, *arguments):
    command = [str(BINARIES / "visord"), "audit", *arguments, "--data", str(server.data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def whole(server):
    result = visord(server, "verify")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "whole: " in result.stdout
    return result.stdout


def test_a_change_is_in_the_log_when_its_answer_comes(server):
    root = server.api()
    response = root.post("/images", [*meta(name="n", architecture="i386"), BINARY], data(5000, "audit"))
    image = response.image["_id"]
    begun, done = told(server, image=image)
    assert (begun["outcome"], done["outcome"], done["of"]) == ("begun", "done", begun["sequence"])
    for line in (begun, done):
        assert line["verb"] == "image.register"
        assert line["account"] == root.access_key
        assert line["role"] == "administrator"
        assert line["from"] == "127.0.0.1"
        assert line["request"] == response.header("x-request-id")
    assert done["size"] == 5000
    assert done["sha256"] == response.image["sha256"]
    assert root.put(f"/images/{image}", meta(note="x", access="private")).status == 200
    assert told(server, image=image, verb="image.change", outcome="done")[0]["detail"] in ("access=owner, note", "note, access=owner")
    assert root.delete(f"/images/{image}").status == 200
    assert len(told(server, image=image, verb="image.delete", outcome="done")) == 1


def test_accounts_are_in_the_log_and_their_secrets_are_not(server):
    root = server.api()
    user = root.create_user()
    answer = root.put(f"/users/{user.access_key}", [("Content-Type", "application/json")], b'{"renew_secret": true}')
    assert answer.status == 200
    assert root.delete(f"/users/{user.access_key}").status == 200
    assert [(line["verb"], line["outcome"]) for line in told(server, subject=user.access_key)] == [
        ("account.create", "begun"), ("account.create", "done"), ("account.update", "begun"), ("account.update", "done"),
        ("account.delete", "begun"), ("account.delete", "done"),
    ]
    text = "".join(path.read_text() for path in files(server))
    for secret in (user.secret, answer.json["user"]["secret_key"], root.secret):
        assert secret not in text


def test_every_refusal_is_in_the_log(server):
    root = server.api()
    user, other = root.create_user(), root.create_user()
    hidden, shown = user.register(access="private"), user.register()
    assert other.get(f"/images/{hidden}").status == 404
    assert other.head(f"/images/{hidden}").status == 404
    assert other.delete(f"/images/{hidden}").status == 404
    assert other.delete(f"/images/{shown}").status == 403
    assert other.put(f"/images/{shown}", meta(note="x")).status == 403
    assert other.get("/users").status == 403
    assert other.put("/users/someone", [("Content-Type", "application/json")], b"{}").status == 403
    assert other.get("/images", [("x-visor-scope", "all")]).status == 403
    refused = [(line["verb"], line["error"]) for line in told(server, account=other.access_key, outcome="refused")]
    assert refused == [
        ("image.show", "not_found"), ("image.show", "not_found"), ("image.delete", "not_found"), ("image.delete", "forbidden"),
        ("image.change", "forbidden"), ("account.list", "forbidden"), ("account.update", "forbidden"), ("request.scope", "forbidden"),
    ]
    before = len(lines(server))
    assert other.get(f"/images/{shown}/metadata").status == 200
    assert other.get(f"/images/{uuid.uuid4()}").status == 404
    assert len(lines(server)) == before, "neither reads that succeed nor ids of nothing"


@pytest.mark.parametrize("scheme", ["sigv4", "visor"])
def test_who_does_not_show_who_they_are_is_in_the_log_with_what_they_claim(server, scheme):
    key = "claims-" + uuid.uuid4().hex[:8]
    impostor = server.api(key, "not the secret", scheme)
    answer = impostor.get("/images?secret-of=query")
    assert answer.status == 403
    (line,) = told(server, account=key)
    assert (line["verb"], line["outcome"], line["role"]) == ("request.authenticate", "refused", "claimed")
    assert line["detail"] == "GET /images"
    assert line["request"] == answer.header("x-request-id")
    anonymous = server.api().anonymous().get("/images")
    assert told(server, request=anonymous.header("x-request-id"))[0]["role"] == "anonymous"


def test_hostile_names_stay_inside_their_line(server):
    root = server.api()
    name = 'x","outcome":"done"}'
    header = [("x-image-meta-name", "n"), ("x-image-meta-architecture", "i386"), ("x-image-meta-" + "a" * 200, name)]
    assert root.post("/images", header).status == 200
    hostile = server.api('"}\\n{', "secret", "visor")
    assert hostile.get("/images").status == 403
    whole(server)
    for path in files(server):
        for raw in path.read_bytes().split(b"\n"):
            assert not any(byte < 0x20 or byte == 0x7F for byte in raw), raw
    shown = visord(server, "show")
    assert shown.returncode == 0
    assert not any(ord(c) < 0x20 and c != "\n" for c in shown.stdout)


def test_show_finds_what_it_is_asked_for(server):
    root = server.api()
    user = root.create_user()
    image = user.register()
    assert user.delete(f"/images/{image}").status == 200
    out = visord(server, "show", "--image", image, "--outcome", "done")
    assert out.returncode == 0, out.stderr
    assert [row.split()[2] for row in out.stdout.splitlines()] == ["image.register", "image.delete"]
    out = visord(server, "show", "--account", user.access_key, "--json", "--since", "1h")
    rows = [json.loads(row) for row in out.stdout.splitlines()]
    assert len(rows) == 6 and {row.get("account") for row in rows} == {root.access_key, user.access_key}
    assert visord(server, "show", "--since", "2999-01-01T00:00:00Z").stdout == ""
    assert visord(server, "show", "--since", "yesterday").returncode == 2


def test_verify_says_where_a_log_was_changed(fresh):
    root = fresh.api()
    for _ in range(10):
        root.register()
    assert fresh.stop() == 0
    last = whole(fresh).split("last line: ")[1].strip()
    assert visord(fresh, "verify", "--expect", last).returncode == 0
    (path,) = files(fresh)
    text = path.read_text()
    rows = text.splitlines()
    forged = rows.copy()
    forged[7] = forged[7].replace(root.access_key, "somebody-other")
    path.write_text("\n".join(forged) + "\n")
    result = visord(fresh, "verify")
    assert result.returncode == 1 and f"{path.name}:8: " in result.stdout, result.stdout
    path.write_text("\n".join(rows[:-4]) + "\n")
    result = visord(fresh, "verify")
    assert result.returncode == 1 and "had been written" in result.stdout, result.stdout
    path.write_text("\n".join(rows[:5] + rows[6:]) + "\n")
    result = visord(fresh, "verify")
    assert result.returncode == 1 and "are missing" in result.stdout, result.stdout
    path.write_text(text)
    whole(fresh)
    assert visord(fresh, "verify", "--expect", "3:" + "0" * 64).returncode == 1
    assert visord(fresh, "verify", str(fresh.data / "nothing")).returncode == 2


def test_a_cut_end_is_noticed_at_the_next_start_and_ever_after(fresh):
    for _ in range(5):
        fresh.api().register()
    assert fresh.stop() == 0
    (path,) = files(fresh)
    path.write_text("\n".join(path.read_text().splitlines()[:-3]) + "\n")
    fresh.start()
    assert "the audit log was not found as it was left" in fresh.log
    fresh.api().register()
    result = visord(fresh, "verify")
    assert result.returncode == 1 and "are missing" in result.stdout
    assert "log.cut" in path.parent.joinpath(files(fresh)[-1]).read_text()


def test_every_acknowledged_change_survives_kill_9():
    with Server() as server:
        acknowledged = []
        for round_ in range(3):
            root = server.api()

            def work(number, api=root, found=acknowledged):
                try:
                    for _ in range(1000):
                        response = api.post("/images", meta(name=f"n{number}", architecture="i386"))
                        if response.status != 200:
                            return
                        found.append(("image.register", response.image["_id"]))
                        if api.delete(f"/images/{response.image['_id']}").status == 200:
                            found.append(("image.delete", response.image["_id"]))
                except (http.client.HTTPException, OSError):
                    pass

            enough = 40 * (round_ + 1)
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                running = [pool.submit(work, number) for number in range(8)]
                eventually(lambda: len(acknowledged) >= enough, "some changes were acknowledged")
                server.kill()
                for one in running:
                    one.result()
            done = {(line["verb"], line.get("image")) for line in lines(server, killed=True) if line["outcome"] == "done"}
            assert not [change for change in acknowledged if change not in done], "before the next start"
            server.start()
            whole(server)


def test_a_torn_last_line_is_put_right_and_noted(fresh):
    fresh.api().register()
    fresh.kill()
    (path,) = files(fresh)
    text = path.read_bytes()
    end = len(text.rstrip(b"\n")) + 1
    torn = b'{"sequence":9,"time":"2026-'
    path.write_bytes(text[:end] + torn + text[end + len(torn):])
    fresh.start()
    image = fresh.api().register()
    assert "set aside in audit-torn-" in whole(fresh)
    assert len(told(fresh, image=image)) == 2


needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@needs_strace
@pytest.mark.release_only
@pytest.mark.parametrize("call, error, status", [("pwrite64", "ENOSPC", 507), ("pwrite64", "EIO", 503), ("fdatasync", "EIO", 503)])
def test_while_the_log_can_not_be_written_changes_are_refused_and_reading_goes_on(fresh, call, error, status):
    image = fresh.api().upload(data(5000, "audit"))
    assert fresh.stop() == 0
    (path,) = files(fresh)
    # From its third call on every one to this file fails; strace counts each thread's by themselves.
    fresh.wrap = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(path), "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when=3+"]
    fresh.start()
    root, refused = fresh.api(), None
    for _ in range(40):
        response = root.post("/images", meta(name="n", architecture="i386"))
        if response.status != 200:
            refused = response
            break
    assert refused is not None and refused.status == status, refused
    assert "audit log" in refused.message
    assert root.get(f"/images/{image}").body == data(5000, "audit")
    assert root.get("/images").status == 200
    fresh.kill()
    fresh.wrap = []
    fresh.start()
    assert fresh.api().register()
    whole(fresh)


def test_the_log_can_be_switched_off_and_moved():
    with Server(config="audit:\n  enabled: false\n") as server:
        assert server.api().register()
        assert not (server.data / "audit").exists()
    with Server(config="audit:\n  folder: DATA/who-did-what\n  durable: false\n  rotate_size: 1 MiB\n") as server:
        assert server.api().register()
        assert list((server.data / "who-did-what").glob("audit-*.log"))
        result = subprocess.run(
            [str(BINARIES / "visord"), "audit", "verify", "--config", str(server.folder / "visor-config.yml"), "--data", str(server.data)],
            capture_output=True, text=True, timeout=120, check=False)
        assert result.returncode == 0, result.stdout
