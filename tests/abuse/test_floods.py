"""More of everything than there is room for: connections, descriptors, resets, handshakes."""

import contextlib
import http.client
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from harness import settings
from harness.server import Server
from harness.wait import eventually

HALF = b"GET /status HTTP/1.1\r\nHost: x\r\n"
PLAIN = HALF + b"\r\n"


def connect(server, source="127.0.0.1", timeout=60):
    return socket.create_connection((server.host, server.port), timeout=timeout, source_address=(source, 0))


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def answer_on(connection, request=PLAIN):
    """The status on this connection, or None if it was closed."""
    try:
        connection.sendall(request)
        got = connection.recv(65536)
    except OSError:
        return None
    return int(got.split(b" ")[1]) if got else None


def status_of(server, source="127.0.0.1"):
    with contextlib.closing(connect(server, source)) as connection:
        return answer_on(connection)


def processor_seconds(server):
    fields = open(f"/proc/{server.process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settled(server, files):
    eventually(lambda: len(server.open_files()) <= files + 4, "all descriptors are back", 120)


def limits(**values):
    return "limits:\n" + "".join(f"  {name}: {value}\n" for name, value in values.items())


def test_a_storm_of_connections_from_many_addresses_leaves_nothing_behind(count):
    with Server() as server:
        assert status_of(server) == 200
        files, memory = len(server.open_files()), server.resident_bytes()
        for number in range(5000):
            source = f"127.{1 + number % 200}.{number // 250}.{1 + number % 250}"
            connection = connect(server, source)
            if number % 3 == 0:
                connection.sendall(HALF)
            if number % 5 == 0:
                reset(connection)
            else:
                connection.close()
        assert status_of(server) == 200
        settled(server, files)
        grown = server.resident_bytes() - memory
        assert grown < 256 * 1024 * 1024
        count(f"floods: 5,000 connections from 5,000 addresses, {grown // 1024} KiB more resident afterwards")


def test_beyond_the_cap_of_all_connections_a_client_is_told_and_the_others_go_on():
    with Server(config=limits(connections=50, header_timeout="10m")) as server:
        kept = [connect(server) for _ in range(40)]
        # Connections that wait make room, so all of these have begun something.
        for connection in kept:
            assert answer_on(connection) == 200
            connection.sendall(HALF)
        more = []
        told = []
        while len(told) < 30:
            connection = connect(server)
            with contextlib.suppress(OSError):
                connection.sendall(HALF)
            connection.settimeout(0.5)
            try:
                got = connection.recv(65536)
            except TimeoutError:
                more.append(connection)  # taken: it waits for the rest of the head
                assert len(more) <= 50
                continue
            except OSError:
                got = b"reset"
            told.append(got)
            connection.close()
        texts = [got for got in told if got.startswith(b"HTTP/1.1 503 ")]
        assert texts, told[:5]
        for text in texts:
            head, _, body = text.partition(b"\r\n\r\n")
            assert len(body) > 20 and b"onnection" in body, "a sentence says why"
            assert int(re.search(rb"(?i)content-length: (\d+)", head).group(1)) == len(body)
            assert b"Retry-After:" in head
        for connection in kept:
            assert answer_on(connection, b"\r\n") == 200, "who was there is served"
        for connection in [*kept, *more]:
            connection.close()
        eventually(lambda: status_of(server) == 200, "there is room again", 60)


def test_one_address_takes_only_its_share():
    with Server(config=limits(connections_per_address=10, count_loopback="true", header_timeout="10m")) as server:
        greedy = [connect(server, "127.0.0.2") for _ in range(40)]
        statuses = [answer_on(connection) for connection in greedy]
        assert statuses.count(200) <= 10, statuses
        assert statuses.count(200) >= 1, statuses
        for number in range(3, 60):
            assert status_of(server, f"127.0.0.{number}") == 200, "another address has a share of its own"
        for connection in greedy:
            connection.close()
        eventually(lambda: status_of(server, "127.0.0.2") == 200, "its share is free again", 60)


@pytest.mark.release_only
def test_without_descriptors_the_server_waits_and_does_not_spin(count):
    with Server(wrap=["prlimit", "--nofile=64:64"]) as server:
        api = server.api()
        assert api.get("/images").status == 200
        held = []
        for _ in range(150):
            connection = socket.socket()
            connection.settimeout(5)
            # The queue of the listener takes those that the server can't.
            with contextlib.suppress(OSError):
                connection.connect((server.host, server.port))
            held.append(connection)
        eventually(lambda: len(server.open_files()) >= 63, "it has none left", 60)
        began = processor_seconds(server)
        time.sleep(3)
        spent = processor_seconds(server) - began
        assert spent < 1.5, f"{spent} s of processor time in 3 s"
        for connection in held:
            connection.close()

        def served():
            try:
                return api.get("/images").status == 200
            except (http.client.HTTPException, OSError):
                return False  # one that came while there was no descriptor

        eventually(served, "it serves again", 60)
        count(f"floods: 64 descriptors and 150 connections: {spent:.2f} s of processor time in 3 s")


def test_connections_that_never_say_anything_are_closed(count):
    with Server(config=settings.timeouts(head="2s", idle="2s")) as server:
        assert status_of(server) == 200
        files = len(server.open_files())
        silent = [connect(server, f"127.0.1.{1 + number % 250}") for number in range(1000)]
        begun = []
        for number in range(500):
            begun.append(connect(server, f"127.0.2.{1 + number % 250}"))
            # At once: one that has said nothing for two seconds is closed without a word.
            begun[-1].sendall(HALF)
        assert status_of(server) == 200
        settled(server, files)
        for connection in silent:
            assert connection.recv(1) == b"", "the server closed it"
            connection.close()
        for connection in begun:
            assert b" 408 " in connection.recv(65536)
            connection.close()
        count("floods: 1,000 silent and 500 half-open requests, all closed by the server")


def test_a_flood_of_resets_harms_nobody(count):
    """At every moment of a request: before it, inside the head, inside the body, while the answer is read."""
    with Server(config="accounts:\n  anonymous_read: true\n") as server:
        root = server.api()
        image = root.upload(bytes(4 * 1024 * 1024))
        files = len(server.open_files())
        upload = b"POST /images HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc"
        download = f"GET /images/{image} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        pieces = [b"", HALF, PLAIN, upload, download, PLAIN * 20, download * 5]
        for number in range(3000):
            connection = connect(server)
            connection.sendall(pieces[number % len(pieces)])
            reset(connection)
        assert root.get(f"/images/{image}").body == bytes(4 * 1024 * 1024)
        settled(server, files)
        assert "Sanitizer" not in server.log
        count("floods: 3,000 resets at seven moments of a request")


# --- TLS -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder / "server.key", "-out", folder / "server.pem"],
        check=True, capture_output=True, timeout=60,
    )
    (folder / "server.key").chmod(0o600)
    config = (
        f"listeners:\n- address: 127.0.0.1:0\n  tls:\n    certificate: {folder}/server.pem\n    key: {folder}/server.key\n"
        "limits:\n  header_timeout: 8s\n"
    )
    with TlsServer(config=config) as server:
        server.authority = folder / "server.pem"
        yield server
    shutil.rmtree(folder, ignore_errors=True)


class TlsServer(Server):
    def command(self):
        command = super().command()
        at = command.index("--listen")
        return command[:at] + command[at + 2:]


def served_over_tls(server):
    context = ssl.create_default_context(cafile=server.authority)
    with socket.create_connection((server.host, server.port), timeout=60) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            return answer_on(connection)


def client_hello():
    """The first flight of a handshake, from a client that knows how."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def test_a_flood_of_handshakes_is_survived(tls, count):
    assert served_over_tls(tls) == 200
    files = len(tls.open_files())
    hello = client_hello()
    kinds = [
        b"", hello, hello[:5], hello[: len(hello) // 2], hello[:-1], b"\x16\x03\x01\xff\xff", b"\x16\x03\x01\x00\x00" * 50,
        b"\x80\x2e\x01\x00\x02", b"\x15\x03\x03\x00\x02\x02\x28", PLAIN, b"\x00" * 4096, hello[:40] + bytes(len(hello) - 40), hello * 3,
    ]
    held = []
    for number in range(1300):
        connection = connect(tls)
        with contextlib.suppress(OSError):
            connection.sendall(kinds[number % len(kinds)])
        if number % 4 == 0:
            held.append(connection)  # its handshake never goes on
        elif number % 4 == 1:
            reset(connection)
        else:
            connection.close()
        if number % 100 == 0:
            assert served_over_tls(tls) == 200, "beside them another client is served"
    settled(tls, files)
    for connection in held:
        connection.close()
    assert served_over_tls(tls) == 200
    count("floods: 1,300 broken or abandoned TLS handshakes of 13 kinds; all others served")


def test_renegotiation_is_refused(tls):
    """A client that could have the server begin anew on one connection would have it work for nothing."""
    client = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"{tls.host}:{tls.port}", "-tls1_2", "-CAfile", str(tls.authority)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    printed = bytearray()
    reader = threading.Thread(target=lambda: printed.extend(client.stdout.read()), daemon=True)
    reader.start()
    try:
        client.stdin.write(b"R\n")
        client.stdin.flush()
        client.wait(60)
    finally:
        client.kill()
        client.wait()
    reader.join(60)
    told = printed.decode("utf-8", "replace")
    assert "RENEGOTIATING" in told, told[-2000:]
    assert "no renegotiation" in told.lower(), told[-2000:]
    assert served_over_tls(tls) == 200
