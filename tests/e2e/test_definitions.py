"""Metadata definitions on a real server: what is there from the beginning, after a restart, and when many change it at once."""

import concurrent.futures
import contextlib
import http.client
import json
import re
from urllib.parse import quote

import pytest

from harness.server import ROOT_KEY, Server

CONFIGURATION = f"""\
listeners:
  - address: 127.0.0.1:0
    serves: [glance]
  - address: "[::1]:0"
    serves: [native]
identity:
  kind: none
  everybody:
    account: {ROOT_KEY}
    administrator: true
"""
NAMESPACES = "/v2/metadefs/namespaces"


class GlanceServer(Server):
    """Takes everybody for the administrator."""

    ADDRESS = re.compile(r"listening on http://127\.0\.0\.1:(\d+) \(glance\)")
    AWAITED = (ADDRESS,)

    def __init__(self):
        super().__init__()
        self.config_text = CONFIGURATION

    def command(self):
        command = super().command()
        listen = command.index("--listen")
        return command[:listen] + command[listen + 2:]

    def call(self, method, path, document=None, headers=None):
        """Status and document."""
        port = int(self.ADDRESS.findall(self.log)[-1])
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            body = None if document is None else json.dumps(document)
            connection.request(method, path, body=body, headers={"Accept": "application/json", **(headers or {})})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None

    def names(self, query=""):
        """The names on all pages."""
        found, page = [], NAMESPACES + query
        while page:
            status, document = self.call("GET", page)
            assert status == 200, document
            found += [each["namespace"] for each in document["namespaces"]]
            page = document.get("next")
        return found


@pytest.fixture(scope="module")
def glance():
    with GlanceServer() as running:
        yield running


@pytest.fixture
def space(glance):
    name = "Tests::Größe & mehr"
    assert glance.call("POST", NAMESPACES, {"namespace": name, "visibility": "public"})[0] == 201
    yield f"{NAMESPACES}/{quote(name)}"
    assert glance.call("DELETE", f"{NAMESPACES}/{quote(name)}")[0] == 204


def test_the_standard_ones_are_there_from_the_beginning(glance):
    names = glance.names()
    assert {"OS::Compute::VirtCPUTopology", "OS::Software::DBMS", "OS::OperatingSystem"} <= set(names)
    _, shown = glance.call("GET", f"{NAMESPACES}/OS::Compute::VirtCPUTopology?resource_type=OS::Nova::Flavor")
    assert "hw:cpu_sockets" in shown["properties"]


@pytest.mark.parametrize("key", ["created_at", "updated_at", "namespace", "display_name", "visibility", "protected", "owner"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_in_every_order_hold_each_one_once(glance, key, direction):
    everything = glance.names("?limit=1000")
    paged = glance.names(f"?limit=5&sort_key={key}&sort_dir={direction}")
    assert sorted(paged) == sorted(everything)
    if key == "namespace":
        assert paged == sorted(everything, reverse=direction == "desc")


def test_what_was_changed_is_there_after_a_restart_and_what_was_deleted_is_not():
    with GlanceServer() as server:
        xen = f"{NAMESPACES}/OS::Compute::XenAPI"
        assert server.call("PUT", xen, {"namespace": "OS::Compute::XenAPI"})[0] == 200
        assert server.call("DELETE", xen)[0] == 204
        pinning = f"{NAMESPACES}/OS::Compute::CPUPinning"
        assert server.call("POST", f"{pinning}/tags/ours")[0] == 201
        before = {name: server.call("GET", f"{NAMESPACES}/{quote(name)}") for name in server.names()}
        server.restart()
        after = {name: server.call("GET", f"{NAMESPACES}/{quote(name)}") for name in server.names()}
        assert after == before
        server.kill()
        server.start()
        assert server.call("GET", xen)[0] == 404
        assert server.call("GET", f"{pinning}/tags/ours")[0] == 200


def test_of_many_changes_at_once_none_that_was_answered_is_lost(glance, space):
    tags = [f"tag {number}" for number in range(60)]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(lambda tag: glance.call("POST", f"{space}/tags/{quote(tag)}")[0], tags))
    made = {tag for tag, status in zip(tags, statuses) if status == 201}
    assert set(statuses) <= {201, 409}
    assert made
    _, listed = glance.call("GET", f"{space}/tags")
    assert {tag["name"] for tag in listed["tags"]} == made


def test_of_many_who_make_the_same_namespace_one_does(glance):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: glance.call("POST", NAMESPACES, {"namespace": "Tests::race"})[0], range(8)))
    assert sorted(statuses) == [201] + [409] * 7
    assert glance.call("DELETE", f"{NAMESPACES}/Tests::race")[0] == 204


def test_a_namespace_has_bounds(glance, space):
    long = {"name": "p", "title": "P", "type": "string", "description": "x" * (600 << 10)}
    assert glance.call("POST", f"{space}/properties", long)[0] == 413
    many = {"tags": [{"name": str(number)} for number in range(1001)]}
    assert glance.call("POST", f"{space}/tags", many)[0] in (400, 413)
    assert glance.call("GET", space)[1].keys().isdisjoint({"properties", "tags"})


def test_every_change_is_in_the_audit_log(glance, space):
    assert glance.call("POST", f"{space}/tags/told")[0] == 201
    lines = [json.loads(line) for path in sorted((glance.data / "audit").glob("audit-*.log"))
             for line in path.read_text("utf-8").splitlines() if line]
    told = [line for line in lines if line["verb"] == "namespace.change" and "told" in line.get("detail", "")]
    assert [line["outcome"] for line in told] == ["begun", "done"]
