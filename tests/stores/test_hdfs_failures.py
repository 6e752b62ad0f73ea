"""The store in a real HDFS that fails: datanodes and gateways that are killed, a failover, safe mode."""

import re
import subprocess

from harness import settings
from harness.api import BINARY, meta
from harness.payload import data
from harness.raw import Wire, signed_head
from harness.server import Server
from harness.wait import eventually
from test_hdfs import MIB, configuration


def serving(hdfs):
    """The datanode with which most bytes were exchanged over connections that are open now; None if none is. Others have
    connections too: what the server says of images in the background went over them."""
    ports = {address.rpartition(":")[2]: address for address in hdfs.datanodes}
    table = subprocess.run(["ss", "-tinH", "state", "established"], capture_output=True, text=True, check=True).stdout
    most, found = -1, None
    # Each connection is a line, and what is known of it the indented line behind.
    for line, known in re.findall(r"^(\S.*)\n\s+(.*)$", table, re.MULTILINE):
        address = ports.get(line.split()[3].rpartition(":")[2])
        moved = sum(map(int, re.findall(r"bytes_(?:sent|received):(\d+)", known)))
        if address and moved > most:
            most, found = moved, address
    return found


def test_a_datanode_killed_under_a_read_is_not_noticed_by_the_reader(hdfs):
    content = data(64 * MIB)
    with Server(config=configuration(hdfs)) as server:
        root = server.api()
        image = root.upload(content, name="read while a datanode dies", access="public")
        with Wire(server, timeout=600) as wire:
            wire.send(signed_head(root, "GET", f"/images/{image}"))
            status, headers = wire.read_head()
            assert (status, headers["content-length"]) == (200, str(len(content)))
            start = wire.read_exactly(MIB)
            hdfs.kill_datanode(serving(hdfs))
            assert start + wire.read_exactly(len(content) - MIB) == content
        assert "goes on at another" in server.log


def begin_upload(api, wire, content, sent, **attributes):
    """Sends the head and the first `sent` bytes; the server waits for the rest."""
    headers = [*meta(architecture="i386", **attributes), BINARY]
    wire.send(signed_head(api, "POST", "/images", headers, [("Content-Length", str(len(content)))]))
    wire.send(content[:sent])


def test_a_datanode_killed_under_an_upload_ends_it_and_leaves_nothing(hdfs):
    content = data(40 * MIB)
    # Room for the image once, on both sides: twice if the first attempt kept any of it.
    hdfs.order(f"quota {hdfs.folder} {2 * 48 * MIB}")
    with Server(config=configuration(hdfs) + settings.quota(size=48 * MIB)) as server:
        user = server.api().create_user()
        with Wire(server, timeout=600) as wire:
            begin_upload(user, wire, content, 20 * MIB, name="hit")
            eventually(lambda: hdfs.files() and hdfs.space() > 0, "HDFS has a part of it", seconds=180)
            hdfs.kill_datanode(serving(hdfs))
            wire.send(content[20 * MIB:])
            status, _, body = wire.read_answer()
        assert status == 503, body
        assert b"datanode" in body and b"again" in body, body
        hdfs.await_files(0)
        hdfs.await_space(0)
        assert [image["name"] for image in user.listed("status=error")] == ["hit"]

        image = user.upload(content, name="tried again")
        assert user.get(f"/images/{image}").body == content
        hdfs.await_files(1)


def test_a_gateway_killed_under_an_upload_ends_it_and_another_leaves_nothing(hdfs):
    gateways = [hdfs.add_gateway(), hdfs.add_gateway()]
    content = data(20 * MIB)
    with Server(config=configuration(hdfs, gateways)) as server:
        root = server.api()
        with Wire(server, timeout=600) as wire:
            begin_upload(root, wire, content, 10 * MIB, name="hit")
            eventually(lambda: hdfs.files() and hdfs.space() > 0, "HDFS has a part of it", seconds=180)
            hdfs.kill_gateway(gateways[0])
            wire.send(content[10 * MIB:])
            status, _, body = wire.read_answer()
        assert status == 503, body
        assert b"again" in body, body
        hdfs.await_files(0)
        hdfs.await_space(0)

        image = root.upload(content, name="tried again")
        assert root.get(f"/images/{image}").body == content


def test_an_upload_does_not_notice_that_a_datanode_behind_the_first_dies(hdfs):
    content = data(40 * MIB)
    with Server(config=configuration(hdfs)) as server:
        root = server.api()
        with Wire(server, timeout=600) as wire:
            begin_upload(root, wire, content, 20 * MIB, name="goes on")
            eventually(lambda: hdfs.files() and hdfs.space() > 0, "HDFS has a part of it", seconds=180)
            first = serving(hdfs)
            hdfs.kill_datanode(next(address for address in hdfs.datanodes if address != first))
            wire.send(content[20 * MIB:])
            status, _, body = wire.read_answer()
        assert status == 200, body
        hdfs.await_files(1)
        assert root.get(f"/images/{root.listed()[0]['_id']}").body == content


def test_an_upload_goes_on_behind_a_failover(hdfs_pair):
    hdfs = hdfs_pair
    with Server(config=configuration(hdfs)) as server:
        root = server.api()
        first = root.upload(data(5 * MIB, 1), name="before")
        hdfs.order("failover")
        second = root.upload(data(5 * MIB, 2), name="behind")
        assert root.get(f"/images/{first}").body == data(5 * MIB, 1)
        assert root.get(f"/images/{second}").body == data(5 * MIB, 2)


def test_safe_mode_is_told_and_ends(hdfs):
    with Server(config=configuration(hdfs)) as server:
        root = server.api()
        image = root.upload(b"before", name="before")
        hdfs.order("safemode enter")
        refused = root.post("/images", [*meta(name="refused", architecture="i386"), BINARY], b"refused")
        assert refused.status == 503
        assert "safe mode" in refused.message
        assert root.get(f"/images/{image}").body == b"before"
        hdfs.order("safemode leave")
        root.upload(b"behind", name="behind")
