"""The package under a real systemd: started, reloaded, restarted and upgraded under load, watched, stopped."""

import json
import pathlib
import re
import subprocess
import sys
import time

import pytest

from booted_root import BootedRoot, why_unbootable

pytestmark = pytest.mark.long

CONFIGURATION = "/etc/visor/visor-config.yml"
SECONDS = 240


def eventually(condition, what):
    deadline = time.monotonic() + SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {SECONDS} s: {what}"
        time.sleep(0.05)
    return value


@pytest.fixture(scope="module")
def booted(package):
    if reason := why_unbootable():
        pytest.skip(reason)
    with BootedRoot(package) as made:
        configuration = made.file(CONFIGURATION)
        text = configuration.read_text()
        # The clients of the tests read without an account, and are never too slow for the machine that they run on.
        text += "\naccounts:\n  anonymous_read: true\ndrain_grace: 60s\nlog:\n  form: json\n"
        # And it may refer to itself, the only server that there is.
        text += 'references:\n  http:\n    exceptions:\n      - "127.0.0.1:4568"\n'
        configuration.write_text(text)
        yield made.boot()


class Load:
    def __init__(self, booted):
        self.process = subprocess.Popen(
            booted.enter(sys.executable, pathlib.Path(__file__).with_name("load.py"), 4568, network_only=True),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def tell(self):
        self.process.stdin.write("tell\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def go_on(self, times=5):
        before = self.tell()["counts"]

        def went_on():
            told = self.tell()
            assert told["failures"] == []
            return all(told["counts"][name] >= before[name] + times for name in before)

        eventually(went_on, "the clients go on")

    def __enter__(self):
        self.go_on()
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(SECONDS)
        self.process.stdout.close()


@pytest.fixture(autouse=True)
def starts_forgotten(booted):
    """systemd starts nothing more than five times in ten seconds; the tests of a fast machine do, all together."""
    booted.run("systemctl", "reset-failed", status=None)


def main_process(booted):
    return int(booted.show("visor.service", "MainPID"))


def administrator(booted):
    text = booted.run("cat", "/var/lib/visor/first-administrator").stdout
    key, secret = (re.search(rf"^ +{what} key +(\S+)$", text, re.MULTILINE).group(1) for what in ("access", "secret"))
    return [f"VISOR_ACCESS_KEY={key}", f"VISOR_SECRET_KEY={secret}"]


def test_it_is_started_at_the_boot_and_says_itself_when_it_serves(booted):
    assert booted.run("systemctl", "is-active", "visor").stdout == "active\n"
    assert booted.show("visor.service", "Type") == "notify"
    eventually(lambda: booted.show("visor.service", "StatusText") == "serving", "it says that it serves")
    eventually(lambda: int(booted.show("visor.service", "NFileDescriptorStore")) >= 1, "systemd has its sockets")
    assert booted.run("systemctl", "is-enabled", "visor").stdout == "enabled\n"
    assert booted.run("systemctl", "is-enabled", "visor.socket", status=None).stdout == "disabled\n"


def test_it_takes_and_gives_images_inside_its_confinement(booted):
    booted.run("sh", "-c", "head -c 3000000 /dev/urandom > /tmp/image.raw")
    account = administrator(booted)
    image = booted.run("visor", "add", "name=first", "architecture=x86_64", "access=public", "-f", "/tmp/image.raw", "--quiet",
                       environment=account).stdout.strip()
    booted.run("mkdir", "/tmp/got")
    booted.run("visor", "get", image, "-S", "/tmp/got", environment=account)
    booted.run("sh", "-c", "cmp /tmp/image.raw /tmp/got/*")
    judged = booted.run("systemd-analyze", "security", "--no-pager", "visor.service", status=None).stdout
    assert float(re.search(r"Overall exposure level for visor.service: ([0-9.]+)", judged).group(1)) < 3.0


def test_it_loads_what_it_asks_other_servers_with_inside_its_confinement(booted):
    account = administrator(booted)

    def add(name, *data):
        return booted.run("visor", "add", f"name={name}", "architecture=x86_64", "access=public", "--quiet", *data,
                          environment=account).stdout.strip()

    def maps():
        return booted.run("cat", f"/proc/{main_process(booted)}/maps").stdout

    booted.run("sh", "-c", "head -c 3000000 /dev/urandom > /tmp/origin.raw; mkdir /tmp/referred")
    origin = add("origin", "-f", "/tmp/origin.raw")
    assert "/libssl" in maps() and "/libcurl" not in maps()
    reference = add("reference", "store=http", f"location=http://127.0.0.1:4568/images/{origin}")
    assert "/libcurl" in maps()
    booted.run("visor", "get", reference, "-S", "/tmp/referred", environment=account)
    booted.run("sh", "-c", "cmp /tmp/origin.raw /tmp/referred/*")


def test_the_journal_has_its_lines_as_documents(booted):
    def lines():
        return [json.loads(line) for line in booted.journal().splitlines() if line.startswith("{")]

    assert any("listening on http://127.0.0.1:4568" in json.dumps(line) for line in lines())
    booted.run("visor", "brief", environment=administrator(booted))
    # The access log is written a moment after the answers.
    eventually(lambda: any("/images" in line.get("path", "") and "id" in line for line in lines()), "the request is in the journal")


def test_restarts_under_load_fail_no_request(booted):
    with Load(booted) as load:
        for _ in range(3):
            before = main_process(booted)
            booted.run("systemctl", "restart", "visor")
            assert main_process(booted) != before
            load.go_on()


def test_a_reload_keeps_the_process_and_is_over_when_systemctl_returns(booted):
    before = main_process(booted)
    booted.run("systemctl", "reload", "visor")
    assert main_process(booted) == before
    eventually(lambda: "certificates were read" in booted.journal(), "the reload is in the journal")
    assert booted.run("systemctl", "is-active", "visor").stdout == "active\n"


def test_upgrades_in_place_under_load_fail_no_request_and_systemd_follows(booted):
    with Load(booted) as load:
        for _ in range(2):
            before = main_process(booted)
            booted.run("setpriv", "--reuid=visor", "--regid=visor", "--init-groups", "visord", "upgrade", "--config", CONFIGURATION)
            eventually(lambda: main_process(booted) != before, "systemd knows the new process")
            load.go_on()
        assert booted.run("systemctl", "is-active", "visor").stdout == "active\n"
        assert booted.show("visor.service", "NRestarts") == "0"
        # The new process is one that systemd can restart, too.
        booted.run("systemctl", "restart", "visor")
        load.go_on()


def test_a_server_that_hangs_is_noticed_and_started_anew(booted):
    drop_in = booted.file("/etc/systemd/system/visor.service.d/watchdog.conf")
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text("[Service]\nWatchdogSec=10\nWatchdogSignal=SIGKILL\n")
    booted.run("systemctl", "daemon-reload")
    booted.run("systemctl", "restart", "visor")
    hung = main_process(booted)
    assert hung > 0, "it runs"  # 0 would be these tests themselves
    booted.run("sh", "-c", f"kill -STOP {hung}")
    eventually(lambda: main_process(booted) not in (0, hung), "a new process was started")
    eventually(lambda: booted.run("systemctl", "is-active", "visor", status=None).stdout == "active\n", "it serves")
    assert int(booted.show("visor.service", "NRestarts")) >= 1
    drop_in.unlink()
    booted.run("systemctl", "daemon-reload")
    booted.run("systemctl", "restart", "visor")


def test_it_serves_on_a_socket_that_systemd_opened(booted):
    booted.run("systemctl", "stop", "visor.service")
    booted.run("systemctl", "start", "visor.socket")
    with Load(booted) as load:  # its first request starts the service
        load.go_on()
        booted.run("systemctl", "restart", "visor.service")
        load.go_on()
    booted.run("systemctl", "stop", "visor.socket", "visor.service")
    booted.run("systemctl", "start", "visor.service")


def test_a_stop_ends_it_in_good_order(booted):
    booted.run("systemctl", "stop", "visor")
    assert booted.show("visor.service", "Result") == "success"
    assert booted.show("visor.service", "ExecMainStatus") == "0"
    assert booted.run("systemctl", "is-active", "visor", status=None).stdout == "inactive\n"
