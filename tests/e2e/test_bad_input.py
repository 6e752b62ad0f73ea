"""Hostile and broken requests: an answer of the contract or a closed connection, and a server that goes on."""

import json
import re

import pytest

from harness import raw
from harness.api import BINARY, meta
from harness.payload import data
from harness.server import Server

GET = b"GET /status HTTP/1.1\r\n"
HOST = b"Host: x\r\n"
REFUSED = {400, 403, 404, 405, 408, 411, 413, 414, 417, 431, 501, 505}

MALFORMED = {
    "no version": b"GET /status\r\n\r\n",
    "a version of the future": b"GET /status HTTP/9.9\r\n" + HOST + b"\r\n",
    "not HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n",
    "a NUL in the target": b"GET /sta\x00tus HTTP/1.1\r\n" + HOST + b"\r\n",
    "a NUL in a value": GET + HOST + b"x-a: b\x00c\r\n\r\n",
    "a bare LF inside the head": b"GET /status HTTP/1.1\nHost: x\n\n",
    "a bare CR in a value": GET + HOST + b"x-a: b\rc: d\r\n\r\n",
    "a blank before the colon": GET + HOST + b"x-a : b\r\n\r\n",
    "a folded line": GET + HOST + b"x-a: b\r\n c\r\n\r\n",
    "a line without colon": GET + HOST + b"nonsense\r\n\r\n",
    "an empty name": GET + HOST + b": value\r\n\r\n",
    "blanks in the target": b"GET /sta tus HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method of garbage": b"G\x01T /status HTTP/1.1\r\n" + HOST + b"\r\n",
    "length and chunks": b"POST /images HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /images HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    "a signed length": b"POST /images HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\nabcde",
    "a negative length": b"POST /images HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    "a length in hex": b"POST /images HTTP/1.1\r\n" + HOST + b"Content-Length: 0x5\r\n\r\nabcde",
    "a length of 30 digits": b"POST /images HTTP/1.1\r\n" + HOST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
    "an unknown coding": b"POST /images HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n\r\n",
    "chunked twice": b"POST /images HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "a coding of garbage": b"POST /images HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a head of 100 KiB": GET + HOST + b"x-a: " + b"b" * 102_400 + b"\r\n\r\n",
    "a thousand headers": GET + HOST + b"".join(b"x-%d: y\r\n" % number for number in range(1000)) + b"\r\n",
    "a target of 20 KiB": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_request_is_refused(server, case):
    with raw.Wire(server) as wire:
        wire.send(MALFORMED[case])
        wire.half_close()
        answer = wire.read_until_closed()
    if answer:
        assert answer.startswith(b"HTTP/1.1 "), answer[:200]
        assert int(answer.split(b" ")[1]) in REFUSED, answer[:300]
        assert len(re.findall(rb"^HTTP/1\.1 \d", answer, re.MULTILINE)) == 1, "one request, one answer"
    assert server.running()


CHUNKS = {
    "a size of garbage": b"zz\r\nabc\r\n0\r\n\r\n",
    "a size of blanks": b" 3\r\nabc\r\n0\r\n\r\n",
    "a negative size": b"-3\r\nabc\r\n0\r\n\r\n",
    "a size that overflows": b"ffffffffffffffff1\r\nabc\r\n0\r\n\r\n",
    "no end of line after the data": b"3\r\nabcX\r\n0\r\n\r\n",
    "fewer bytes than said": b"5\r\nabc\r\n0\r\n\r\n",
    "bare line feeds": b"3\nabc\n0\n\n",
    "an endless extension": b"3;" + b"x" * 70_000 + b"\r\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("case", CHUNKS)
def test_a_malformed_chunk_stores_nothing(server, user, mark, case):
    headers = [*meta(name="n", architecture="i386", mark=mark), BINARY]
    with raw.Wire(server) as wire:
        wire.send(raw.signed_head(user, "POST", "/images", headers, [("Transfer-Encoding", "chunked")]) + CHUNKS[case])
        wire.half_close()
        status = wire.read_answer()[0]
    assert status is None or status in (400, 403, 413), status
    assert [entry for entry in user.listed(f"mark={mark}&status=available")] == []


def test_a_length_that_lies_short_takes_what_follows_for_a_request(server, user, mark):
    headers = [*meta(name="n", architecture="i386", mark=mark), BINARY]
    with raw.Wire(server) as wire:
        wire.send(raw.signed_head(user, "POST", "/images", headers, [("Content-Length", "4")]) + b"datamore than said\r\n\r\n")
        assert wire.read_answer()[0] == 200
        assert wire.read_answer()[0] in (400, None)
    (entry,) = user.listed(f"mark={mark}")
    assert user.get(f"/images/{entry['_id']}").body == b"data"


@pytest.mark.parametrize("value", [b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"abc\x80"])
def test_a_value_that_is_not_utf8_is_400_and_stores_nothing(server, user, mark, value):
    """Signed over the bytes as they are, so that it is the value and not the signature that is refused."""
    import base64
    import hashlib
    import hmac

    from harness import signing

    date = signing.http_date()
    fields = [(b"x-image-meta-architecture", b"i386"), (b"x-image-meta-mark", mark.encode()), (b"x-image-meta-name", value)]
    text = b"POST\n\n\n" + date.encode() + b"\n" + b"".join(name + b":" + content + b"\n" for name, content in fields) + b"/images"
    signature = base64.b64encode(hmac.new(user.secret.encode(), text, hashlib.sha1).digest())
    head = b"POST /images HTTP/1.1\r\n" + HOST + b"Date: " + date.encode() + b"\r\n"
    head += b"".join(name + b": " + content + b"\r\n" for name, content in fields)
    head += b"Authorization: VISOR " + user.access_key.encode() + b":" + signature + b"\r\n\r\n"
    with raw.Wire(server) as wire:
        wire.send(head)
        status, _, body = wire.read_answer()
    assert status == 400, body
    assert json.loads(body)["message"]
    assert user.listed(f"mark={mark}") == []


@pytest.mark.parametrize("query", ["name=%ff%fe", "name=%00", "%ff=1", "=1", "&&&", "a" * 3000 + "=1", "name=" + "a" * 3000, "name"])
def test_odd_queries_are_answered(user, query):
    response = user.using("visor").get(f"/images?{query}")
    assert response.status in (200, 400), response


@pytest.mark.parametrize("name", ["", "x" * 300, "a.b", "a!b"])
def test_odd_attribute_names_are_400_or_kept(user, name):
    response = user.using("visor").post("/images", [*meta(name="n", architecture="i386"), (f"x-image-meta-{name}", "v")])
    assert response.status in (200, 400), response


def test_an_attribute_given_twice_is_not_silently_two(user):
    response = user.anonymous().post("/images", user.signed("POST", "/images", [*meta(name="n", architecture="i386"), ("x-image-meta-twice", "1"), ("x-image-meta-twice", "2")]))
    assert response.status in (200, 400, 403), response


DOCUMENTS = {
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"user":' * 50_000,
    "a huge document": b'{"user": {"access_key": "' + b"x" * (8 * 1024 * 1024) + b'"}}',
    "the same key twice": b'{"user": {"access_key": "a", "access_key": "b", "email": "a@example.org"}}',
    "broken text": b'{"user": {"access_key": "\xff\xfe", "email": "a@example.org"}}',
    "half a document": b'{"user": {"access_key": "a"',
    "a number too large": b'{"user": ' + b"9" * 5000 + b"}",
    "a lone surrogate": b'{"user": {"access_key": "\\ud800", "email": "a@example.org"}}',
    "two documents": b'{"user": {}}{"user": {}}',
    "nothing": b"",
}


@pytest.mark.parametrize("case", DOCUMENTS)
def test_a_document_that_is_hostile_or_broken_is_refused_with_a_sentence(root, case):
    response = root.post("/users", [("Content-Type", "application/json")], DOCUMENTS[case])
    assert response.status in (400, 413), response
    assert len(response.message) > 10


def test_xml_with_a_document_type_is_not_expanded(root):
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><user><access_key>&b;</access_key></user>'
    assert root.post("/users", [("Content-Type", "application/xml")], bomb).status in (400, 415)


def test_a_metadata_route_takes_no_body_for_the_next_request(server, root):
    with raw.Wire(server) as wire:
        wire.send(raw.signed_head(root, "GET", "/images?name=none", framing=[("Content-Length", "4")]) + b"GET ")
        wire.send(raw.signed_head(root, "GET", "/images?name=none"))
        assert wire.read_answer()[0] in (200, 400)
        assert wire.read_answer()[0] in (200, None)


def test_after_all_of_this_the_server_serves(server, user):
    """Last in the file on purpose; the order of the others does not matter."""
    image = user.upload(data(1000))
    assert user.get(f"/images/{image}").body == data(1000)
    assert "Sanitizer" not in server.log


@pytest.mark.release_only
def test_memory_stays_bounded_under_hostile_requests():
    with Server() as server:
        root = server.api()
        root.get("/images")
        before = server.resident_bytes()
        for _ in range(20):
            for request in MALFORMED.values():
                with raw.Wire(server) as wire:
                    wire.send(request)
                    wire.half_close()
                    wire.read_until_closed()
        assert server.resident_bytes() - before < 64 * 1024 * 1024
