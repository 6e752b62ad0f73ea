"""Metrics and readiness, on an address of their own."""

import http.client
import json
import os
import pathlib
import re
import signal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from harness.api import BINARY
from harness.disturbed import disturbed
from harness.server import Server
from harness.wait import eventually

LISTENERS = """
listeners:
  - address: 127.0.0.1:0
    serves: [native]
  - address: 127.0.0.1:0
    serves: [operations]
"""


class Watched(Server):
    """A server with both interfaces, each at an address of its own."""

    OPERATIONS = re.compile(r"listening on http://127\.0\.0\.1:(\d+) \(operations\)")

    def __init__(self, more="", **options):
        super().__init__(config=LISTENERS + more, **options)

    def command(self):
        command = super().command()
        at = command.index("--listen")
        return command[:at] + command[at + 2:]

    def operations_port(self):
        match = eventually(lambda: self.OPERATIONS.search(self.log), "the operations interface listens")
        return int(match.group(1))

    def ask(self, path, method="GET", timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.operations_port(), timeout=timeout)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode(), response
        finally:
            connection.close()

    def metrics(self):
        status, text, response = self.ask("/metrics")
        assert status == 200
        assert response.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
        return Metrics(text)


class Metrics:
    """What was scraped, read by another project's parser."""

    def __init__(self, text):
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values() for sample in family.samples
        }

    def __call__(self, name, **labels):
        return self.samples[(name, frozenset(labels.items()))]


@pytest.fixture(scope="module")
def server():
    with Watched() as running:
        yield running


def test_every_metric_has_a_type_and_a_help_and_appears_once(server):
    _, text, _ = server.ask("/metrics")
    series = [line.rsplit(" ", 1)[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))
    for family in Metrics(text).families.values():
        assert family.type in ("counter", "gauge", "histogram"), family
        assert family.documentation, family


def test_requests_and_their_bytes_are_counted(server):
    eventually(lambda: server.metrics()("visor_http_requests_under_way") == 0, "those of before are counted")
    before = server.metrics()
    api = server.api().create_user()
    payload = os.urandom(300_000)
    image = api.upload(payload, name="counted")
    assert api.get(f"/images/{image}").body == payload
    assert api.get("/images/no-such-image").status == 404

    def moved():
        after = server.metrics()

        def grew(name, **labels):
            return after(name, **labels) - before(name, **labels)

        return (
            grew("visor_http_requests_total", method="POST", status="2xx") == 2
            and grew("visor_http_requests_total", method="GET", status="2xx") >= 1
            and grew("visor_http_requests_total", method="GET", status="4xx") == 1
            and grew("visor_http_request_seconds_count", method="POST") == 2
            and grew("visor_http_received_bytes_total") >= len(payload)
            and grew("visor_http_sent_bytes_total") > len(payload)
            and grew("visor_http_connections_total") >= 3
        )

    # A request is counted just after its answer went out.
    eventually(moved, "the counters moved")


def test_uploads_downloads_and_what_they_stand_on_are_counted(server):
    api = server.api().create_user()
    before = server.metrics()
    payload = os.urandom(100_000)
    image = api.upload(payload, name="counted")
    api.get(f"/images/{image}")
    api.listed()

    def moved():
        after = server.metrics()

        def grew(name, **labels):
            return after(name, **labels) - before(name, **labels)

        return (
            grew("visor_uploads_total", outcome="finished") == 1
            and grew("visor_uploads_total", outcome="failed") == 0
            and grew("visor_uploaded_bytes_total") == len(payload)
            and grew("visor_downloads_total") == 1
            and after("visor_uploads_under_way") == 0
            and grew("visor_store_seconds_count", store="file", operation="commit") == 1
            and grew("visor_store_seconds_count", store="file", operation="open") == 1
            and grew("visor_catalogue_seconds_count", call="apply") >= 2
            and grew("visor_catalogue_seconds_count", call="find") >= 1
            and grew("visor_catalogue_seconds_count", call="get") >= 1
            and grew("visor_catalogue_commit_batches_count") >= 2
            # The server examines itself once a second, and that may wait for a thread at this very moment.
            and all(after("visor_pool_queued", pool=pool) == 0 for pool in ("catalogue", "disk", "digest"))
        )

    eventually(moved, "the counters moved")


def test_an_upload_under_way_shows_and_one_that_breaks_off_is_counted_as_failed(server):
    api = server.api().create_user()
    before = server.metrics()
    method, target, headers = "POST", "/images", [("x-image-meta-name", "broken"), ("x-image-meta-architecture", "x86_64"), BINARY]
    signed = [*api.using("visor").signed(method, target, headers), ("Content-Length", "5000000")]
    connection = api.connect()
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in signed:
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(b"x" * 100_000)
    eventually(lambda: server.metrics()("visor_uploads_under_way") == 1, "the upload shows")
    eventually(lambda: server.metrics()("visor_http_requests_under_way") == 1, "its request shows")
    connection.close()
    eventually(
        lambda: server.metrics()("visor_uploads_total", outcome="failed")
        == before("visor_uploads_total", outcome="failed") + 1,
        "the failed upload is counted",
    )
    # It is under way until its traces are gone, a moment after it has failed.
    eventually(lambda: server.metrics()("visor_uploads_under_way") == 0, "none is under way")


def test_open_connections_show(server):
    def shown():
        return server.metrics()("visor_http_open_connections")

    eventually(lambda: shown() == 0, "those of before are gone")
    connection = server.api().connect()
    connection.connect()
    eventually(lambda: shown() == 1, "the connection shows")
    connection.close()
    eventually(lambda: shown() == 0, "it is gone")


def test_the_process_and_the_build_show(server):
    metrics = server.metrics()
    resident = server.resident_bytes()
    assert 0.5 * resident < metrics("process_resident_memory_bytes") < 2 * resident
    # Connections that were just closed may still count.
    eventually(lambda: abs(server.metrics()("process_open_fds") - len(server.open_files())) <= 3, "the descriptors show")
    # Not the times of the folder /proc/PID, which are those of whoever first looked into it.
    booted = int(re.search(r"^btime (\d+)$", pathlib.Path("/proc/stat").read_text(), re.MULTILINE).group(1))
    ticks = int(pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()[19])
    assert abs(metrics("process_start_time_seconds") - (booted + ticks / os.sysconf("SC_CLK_TCK"))) < 30
    assert metrics("process_cpu_seconds_total") > 0
    assert [sample.labels["version"] for sample in metrics.families["visor_build_info"].samples] == ["0.1.0"]


def test_nothing_of_an_account_or_image_shows(server):
    api = server.api().create_user()
    image = api.upload(b"private", name="name-of-a-private-image")
    api.get(f"/images/{image}")
    _, text, _ = server.ask("/metrics")
    for secret in (image, "name-of-a-private-image", api.access_key, server.data.as_posix()):
        assert secret not in text


def test_the_operations_interface_has_no_images_and_the_native_one_no_metrics(server):
    assert server.ask("/images")[0] == 404
    for path in ("/metrics", "/readyz"):
        assert server.api().anonymous().get(path).status in (401, 404)
    assert server.api().anonymous().get("/healthz").status == 200
    assert server.ask("/healthz")[0] == 200
    assert server.ask("/metrics", "DELETE")[0] == 405


def test_a_server_without_an_operations_listener_shows_no_metrics():
    with Server() as plain:
        assert "(operations)" not in plain.log
        assert plain.api().anonymous().get("/metrics").status in (401, 404)


def test_it_is_ready_as_soon_as_it_listens_and_says_so_in_a_metric(server):
    status, text, _ = server.ask("/readyz")
    assert (status, text) == (200, "ready\n")
    assert server.metrics()("visor_ready") == 1


def test_it_still_answers_when_all_connections_are_taken():
    with Watched("limits:\n  connections: 4\n  header_timeout: 10m\n") as full:
        connections = []
        for _ in range(4):
            connection = full.api().connect()
            connection.connect()
            # A request that has begun keeps the connection from being closed in favour of another.
            connection.sock.sendall(b"GET /images HT")
            connections.append(connection)
        eventually(lambda: full.metrics()("visor_http_open_connections") == 4, "all connections are taken")
        one_more = full.api().connect()
        one_more.connect()
        eventually(
            lambda: full.metrics()("visor_http_connections_refused_total", cap="total") >= 1, "one more is refused")
        assert full.ask("/readyz")[0] == 200
        for connection in [*connections, one_more]:
            connection.close()


def unready(server):
    """The answer as soon as the server isn't ready."""
    status, text, response = server.ask("/readyz")
    return (text, response) if status == 503 else None


def test_a_store_that_fails_makes_it_unready_until_it_works_again():
    with Watched() as server:
        assert server.ask("/readyz")[0] == 200
        with disturbed(server, "openat2", "error=EIO"):
            text, response = eventually(lambda: unready(server), "it notices")
            assert text.startswith("the store file fails: ")
            assert str(server.data) not in text
            assert response.getheader("Retry-After")
            assert server.ask("/healthz")[0] == 200
            assert server.metrics()("visor_ready") == 0
            assert server.metrics()("visor_store_errors_total", store="file", operation="stat") >= 1
        eventually(lambda: server.ask("/readyz")[0] == 200, "it is ready again")
        # What the server says of it follows the change of its mind.
        eventually(lambda: "the server is ready again" in server.log, "it says so in the log")
        assert server.log.count("the server is not ready") == 1


def test_a_store_that_does_not_answer_makes_it_unready_and_the_question_does_not_wait_for_it():
    with Watched() as server:
        with disturbed(server, "openat2", "delay_enter=4000000"):
            text, _ = eventually(lambda: unready(server), "it notices")
            told = re.fullmatch(r"the store file has not answered for (\d+) s\n", text)
            # How many more than its patience of two is the machine's affair.
            assert told and int(told.group(1)) >= 2, text
        eventually(lambda: server.ask("/readyz")[0] == 200, "it is ready again")


def test_asking_for_readiness_again_and_again_stays_quick(server):
    before = server.metrics()("visor_store_seconds_count", store="file", operation="stat")
    for _ in range(200):
        assert server.ask("/readyz")[0] == 200
    after = server.metrics()("visor_store_seconds_count", store="file", operation="stat")
    assert after - before < 100


def test_it_stops_cleanly_while_it_is_watched():
    with Watched() as server:
        server.metrics()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = re.compile(r"\b(?:visor|process)_[a-z_]*[a-z]\b(?!\{?\.)")


def shown_names(server):
    """The names that queries may use."""
    return {name for name, _ in server.metrics().samples} | set(server.metrics().families)


def test_the_dashboard_asks_for_metrics_that_exist(server):
    server.api().upload(b"so that each metric is there", name="seen")
    shown = shown_names(server)
    dashboard = json.loads((ROOT / "packaging/grafana/visor.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(queries) > 20
    for query in queries:
        names = NAMES.findall(query)
        assert names and set(names) <= shown, query


def test_the_guide_names_every_metric_and_no_other(server):
    server.api().upload(b"so that each metric is there", name="seen")
    guide = (ROOT / "docs/guide/monitoring.md").read_text()
    named = set(re.findall(r"`(visor_[a-z_]+)`", guide))
    families = server.metrics().families.values()
    shown = {family.name + ("_total" if family.type == "counter" else "") for family in families if family.name.startswith("visor_")}
    assert named == shown
    alerts = set(NAMES.findall("".join(line for line in guide.splitlines() if "expr:" in line)))
    assert alerts <= shown_names(server)
