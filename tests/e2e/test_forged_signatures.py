"""More than five hundred requests that are nearly rightly signed: forged, altered, skewed, cut, replayed. None may pass."""

import base64
import contextlib
import datetime
import email.utils
import hashlib
import itertools
import re

import pytest

from harness import signing
from harness.api import BINARY, Api, meta
from harness.payload import data
from harness.server import Server
from harness.wait import eventually

CONTENT = data(200, "what was signed")
CHUNKS = [data(size, f"chunk {size}") for size in (100, 64, 37, 80)]
# A quarter of an hour is allowed. Ahead by little more, a request would be right once it has waited for a busy machine.
SKEWS = [-905, *(sign * seconds for seconds in (960, 3600, 86_400, 7 * 86_400, 365 * 86_400) for sign in (1, -1))]


class Forgery:
    """A request as it is sent, and what is wrong with it."""

    def __init__(self, what, method, target, headers, body=None):
        self.what, self.method, self.target, self.headers, self.body = what, method, target, list(headers), body


def replaced(headers, name, change):
    """The headers with one value changed by `change`; without the header if that gives None."""
    out = []
    for known, value in headers:
        if known.lower() == name.lower():
            value = change(value)
            if value is None:
                continue
        out.append((known, value))
    return out


def other_character(text, at):
    """The text with another character of the same kind there."""
    old = text[at]
    alphabet = "0123456789abcdef" if re.fullmatch(r"[0-9a-f]+", text) else "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    new = alphabet[(alphabet.find(old) + 1) % len(alphabet)]
    return text[:at] + new + text[at + 1:]


# --- the scheme of 2012 ----------------------------------------------------------------------------------------------


def visor_signatures(api, image):
    target, wish = f"/images/{image}", meta(name="forged")
    api = api.using("visor")
    good = api.signed("PUT", target, wish)
    value = dict(good)["Authorization"]
    start, _, signature = value.rpartition(":")
    for at in range(len(signature)):
        yield Forgery(f"signature, character {at}", "PUT", target, replaced(good, "Authorization", lambda _, at=at: f"{start}:{other_character(signature, at)}"))
        yield Forgery(f"signature, cut at {at}", "PUT", target, replaced(good, "Authorization", lambda _, at=at: f"{start}:{signature[:at]}"))
    raw = base64.b64decode(signature)
    for what, text in {
        "in hex": raw.hex(), "in capitals": signature.upper(), "with blanks": signature + " x", "twice": signature * 2,
        "without padding": signature.rstrip("="), "of another digest": base64.b64encode(hashlib.sha256(raw).digest()).decode(),
        "of zeros": base64.b64encode(bytes(20)).decode(), "urlsafe": base64.urlsafe_b64encode(b"\xff" * 20).decode(), "a quote": "' OR '1'='1",
    }.items():
        yield Forgery(f"signature {what}", "PUT", target, replaced(good, "Authorization", lambda _, text=text: f"{start}:{text}"))
    for key in ("nobody", "root-of-the-test", "", api.access_key.upper(), api.access_key + "x", api.access_key[:-1], "' OR 1=1 --", "*", "%", "../x"):
        yield Forgery(f"account {key!r}", "PUT", target, replaced(good, "Authorization", lambda _, key=key: f"VISOR {key}:{signature}"))


def visor_parts(api, image):
    target, wish = f"/images/{image}", meta(name="forged", note="x")
    api = api.using("visor")
    good = api.signed("PUT", target, wish)
    for change in (target + "x", target[:-1], target.upper(), f"/images//{image}", f"/images/./{image}", f"/images/{image}/", "/images", f"/x/..{target}"):
        yield Forgery(f"path {change}", "PUT", change, good)
    for method in ("DELETE", "GET", "HEAD", "POST"):
        yield Forgery(f"method {method}", method, target, good)
    for value in ("forgeD", "forged ", "", "x" * 200, "forged\tx"):
        if value.strip() != "forged":
            yield Forgery(f"name {value[:9]!r}", "PUT", target, replaced(good, "x-image-meta-name", lambda _, value=value: value))
    yield Forgery("a field less", "PUT", target, replaced(good, "x-image-meta-note", lambda _: None))
    for name in ("x-image-meta-access", "X-Image-Meta-Format", "x_image_meta_extra", "x-image-meta-zz"):
        yield Forgery(f"one field more, {name}", "PUT", target, [*good, (name, "raw")])
    for name in ("Content-MD5", "Content-Type"):
        yield Forgery(f"{name} added", "PUT", target, [*good, (name, "text/plain")])
    for name in ("Date", "Authorization", "x-image-meta-name"):
        yield Forgery(f"{name} twice", "PUT", target, [*good, (name, dict(good)[name]), ("x-image-meta-name", "other")])
    signed_at = email.utils.parsedate_to_datetime(dict(good)["Date"])
    near = [email.utils.format_datetime(signed_at + datetime.timedelta(seconds=seconds), usegmt=True) for seconds in (-1, 3)]
    for wrong in ("", "yesterday", "0", "1e9", "Thu, 01 Jan 1970 00:00:00 GMT", "9999-99-99", *near):
        yield Forgery(f"date {wrong!r}", "PUT", target, replaced(good, "Date", lambda _, wrong=wrong: wrong))
    yield Forgery("no date", "PUT", target, replaced(good, "Date", lambda _: None))


def visor_skew(api, image):
    target, wish = f"/images/{image}", meta(name="forged")
    for seconds in SKEWS:
        sign = signing.visor(api.access_key, api.secret, date=signing.http_date(seconds))
        yield Forgery(f"{seconds} s away", "PUT", target, api.signed("PUT", target, wish, sign=sign))


def visor_bodies(api, _image):
    """With Content-MD5 the scheme binds the body."""
    api = api.using("visor")
    digest = base64.b64encode(hashlib.md5(CONTENT).digest()).decode()
    headers = [*meta(name="forged", architecture="i386"), BINARY, ("Content-MD5", digest)]
    good = api.signed("POST", "/images", headers, CONTENT)
    for at in range(0, len(CONTENT), 10):
        body = CONTENT[:at] + bytes([CONTENT[at] ^ 1]) + CONTENT[at + 1:]
        yield Forgery(f"body, byte {at}", "POST", "/images", good, body)
    for body in (CONTENT[:-1], CONTENT + b"x", CONTENT[::-1], b"x", b""):
        yield Forgery(f"body of {len(body)}", "POST", "/images", good, body)
    yield Forgery("no body", "POST", "/images", good)


# --- AWS Signature Version 4 -----------------------------------------------------------------------------------------


def sigv4_signatures(api, image):
    target, wish = f"/images/{image}", meta(name="forged")
    good = api.using("sigv4").signed("PUT", target, wish)
    value = dict(good)["Authorization"]
    start, _, signature = value.rpartition("Signature=")
    for at in range(len(signature)):
        yield Forgery(f"signature, digit {at}", "PUT", target, replaced(good, "Authorization", lambda _, at=at: f"{start}Signature={other_character(signature, at)}"))
    for length in range(0, 64, 4):
        yield Forgery(f"signature, cut at {length}", "PUT", target, replaced(good, "Authorization", lambda _, length=length: f"{start}Signature={signature[:length]}"))
    for text in (signature.upper(), signature + "0", "0" * 64, signature[::-1], signature + signature, hashlib.sha256(b"").hexdigest()):
        yield Forgery(f"signature {text[:8]}…", "PUT", target, replaced(good, "Authorization", lambda _, text=text: f"{start}Signature={text}"))


def sigv4_claims(api, image):
    target, wish = f"/images/{image}", meta(name="forged", note="x")
    good = api.using("sigv4").signed("PUT", target, wish)
    value = dict(good)["Authorization"]

    def with_value(what, changed):
        assert changed != value, what
        return Forgery(what, "PUT", target, replaced(good, "Authorization", lambda _: changed))

    credential = re.search(r"Credential=([^,]+)", value).group(1)
    parts = credential.split("/")
    for number, others in enumerate((
        ("nobody", "root-of-the-test", "", "*"), ("20200101", "19700101", "2020", ""), ("elsewhere", "", "local2"), ("s3", "ec2", ""), ("aws4", "", "AWS4_REQUEST"),
    )):
        for other in others:
            changed = [*parts[:number], other, *parts[number + 1:]]
            yield with_value(f"credential part {number} as {other!r}", value.replace(credential, "/".join(changed)))
    yield with_value("credential with a part more", value.replace(credential, credential + "/x"))
    yield with_value("credential with a part less", value.replace(credential, "/".join(parts[:-1])))
    names = re.search(r"SignedHeaders=([^,]+)", value).group(1)
    listed = names.split(";")
    for name in listed:
        yield with_value(f"without {name} signed", value.replace(names, ";".join(other for other in listed if other != name)))
    for changed in (names + ";x-other", names.upper(), ";".join(reversed(listed)), names + ";" + listed[0], "", ";" + names, names.replace(";", ",")):
        yield with_value(f"signed headers {changed[:20]}", value.replace(f"SignedHeaders={names}", f"SignedHeaders={changed}"))
    for algorithm in ("AWS4-HMAC-SHA1", "AWS4-HMAC-SHA512", "AWS4-ECDSA-P256-SHA256", "none", "AWS3"):
        yield with_value(f"algorithm {algorithm}", value.replace("AWS4-HMAC-SHA256", algorithm))
    for method in ("DELETE", "GET", "POST"):
        yield Forgery(f"method {method}", method, target, good)
    for change in (target + "?a=b", target + "?sort=name", target + "x", f"/images//{image}x", "/images"):
        yield Forgery(f"target {change}", "PUT", change, good)
    yield Forgery("a field changed", "PUT", target, replaced(good, "x-image-meta-name", lambda _: "Forged"))
    yield Forgery("a field less", "PUT", target, replaced(good, "x-image-meta-note", lambda _: None))
    for name in ("x-image-meta-access", "X_Image_Meta_Extra", "x-visor-encoded", "x-amz-security-token"):
        yield Forgery(f"one field more, {name}", "PUT", target, [*good, (name, "name")])
    for name in ("Authorization", "X-Amz-Date", "X-Amz-Content-SHA256"):
        yield Forgery(f"{name} twice", "PUT", target, [*good, (name, dict(good)[name])])
        yield Forgery(f"no {name}", "PUT", target, replaced(good, name, lambda _: None))


def sigv4_skew(api, image):
    target, wish = f"/images/{image}", meta(name="forged")
    for seconds in SKEWS:
        sign = signing.sigv4(api.access_key, api.secret, api.address, offset_seconds=seconds)
        yield Forgery(f"{seconds} s away", "PUT", target, api.signed("PUT", target, wish, sign=sign))
    good = api.using("sigv4").signed("PUT", target, wish)
    now = dict(good)["X-Amz-Date"]
    for wrong in ("", "now", now[:-1], now + "Z", now.lower(), "20260101T000000Z", now.replace("T", " "), signing.http_date(), str(int(now[:4]) + 1) + now[4:]):
        yield Forgery(f"date {wrong!r}", "PUT", target, replaced(good, "X-Amz-Date", lambda _, wrong=wrong: wrong))


def sigv4_bodies(api, _image):
    headers = [*meta(name="forged", architecture="i386"), BINARY]
    good = api.using("sigv4").signed("POST", "/images", headers, CONTENT)
    for at in range(0, len(CONTENT), 6):
        body = CONTENT[:at] + bytes([CONTENT[at] ^ 0x80]) + CONTENT[at + 1:]
        yield Forgery(f"body, byte {at}", "POST", "/images", good, body)
    for body in (CONTENT[:-1], CONTENT + b"\0", CONTENT[::-1], b"x", b""):
        yield Forgery(f"body of {len(body)}", "POST", "/images", good, body)
    yield Forgery("no body", "POST", "/images", good)
    for digest in (hashlib.sha256(b"x").hexdigest(), hashlib.sha256(CONTENT).hexdigest().upper(), "", "0" * 64, signing.UNSIGNED, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"):
        yield Forgery(f"digest {digest[:12]!r}", "POST", "/images", replaced(good, "X-Amz-Content-SHA256", lambda _, digest=digest: digest), CONTENT)


# --- presigned URLs --------------------------------------------------------------------------------------------------


def presigned(api, image):
    target = f"/images/{image}"
    good = signing.presigned(api.access_key, api.secret, api.address, "DELETE", target)
    path, _, query = good.partition("?")
    pairs = query.split("&")
    signature = re.search(r"X-Amz-Signature=([0-9a-f]+)", good).group(1)
    for at in range(0, len(signature), 2):
        yield Forgery(f"signature, digit {at}", "DELETE", good.replace(signature, other_character(signature, at)), [])
    for length in range(0, 64, 8):
        yield Forgery(f"signature, cut at {length}", "DELETE", good.replace(signature, signature[:length]), [])
    for pair in pairs:
        name, _, value = pair.partition("=")
        yield Forgery(f"without {name}", "DELETE", path + "?" + "&".join(other for other in pairs if other != pair), [])
        yield Forgery(f"{name} empty", "DELETE", path + "?" + "&".join(f"{name}=" if other == pair else other for other in pairs), [])
        yield Forgery(f"{name} twice", "DELETE", good + "&" + pair, [])
        yield Forgery(f"{name} longer", "DELETE", path + "?" + "&".join(other + "0" if other == pair else other for other in pairs), [])
    for more in ("a=b", "sort=name", "X-Amz-Security-Token=x", "=b", "name="):
        yield Forgery(f"with {more}", "DELETE", good + "&" + more, [])
    for expires in (1, 301, 86_400, 604_800, 604_801, 0, -1, 10**18):
        yield Forgery(f"good for {expires} s", "DELETE", re.sub(r"X-Amz-Expires=\d+", f"X-Amz-Expires={expires}", good), [])
    for method in ("PUT", "POST"):
        yield Forgery(f"as a {method}", method, good, meta(name="forged") if method == "PUT" else [])
    for change in (target + "x", target.upper(), "/images", f"/images/{image}/metadata"):
        yield Forgery(f"for {change}", "DELETE", change + "?" + query, [])
    for offset, expires in ((-301, 300), (-86_401, 86_400), (-10_000, 9000), (1000, 300), (86_400, 300), (-2, 1), (-365 * 86_400, 86_400)):
        late = signing.presigned(api.access_key, api.secret, api.address, "DELETE", target, expires=expires, offset_seconds=offset)
        yield Forgery(f"signed {offset} s away for {expires} s", "DELETE", late, [])
    for expires in (86_401, 604_800, 604_801):
        long = signing.presigned(api.access_key, api.secret, api.address, "DELETE", target, expires=expires)
        yield Forgery(f"rightly signed for {expires} s, which is too long", "DELETE", long, [])
    yield Forgery("with an attribute", "PUT", signing.presigned(api.access_key, api.secret, api.address, "PUT", target), meta(name="forged"))


# --- chunks ----------------------------------------------------------------------------------------------------------


def chunked(api, _image):
    headers = [*meta(name="forged", architecture="i386"), BINARY]

    def signed():
        return signing.chunk_signed_body(api.access_key, api.secret, api.address, "POST", "/images", headers, CHUNKS)

    good, body = signed()
    pieces, rest = [], body
    while rest:
        line = rest.index(b"\r\n") + 2
        end = line + int(rest.split(b";")[0], 16) + 2
        pieces.append(rest[:end])
        rest = rest[end:]
    assert b"".join(pieces) == body and len(pieces) == 5

    def altered(what, changed):
        assert changed != body, what
        return Forgery(what, "POST", "/images", good, changed)

    # The lowest bit: no character of the framing means the same with it turned.
    for at in range(0, len(body), 4):
        yield altered(f"bit at {at}", body[:at] + bytes([body[at] ^ 1]) + body[at + 1:])
    for order in itertools.permutations(range(4)):
        if order != (0, 1, 2, 3):
            yield altered(f"chunks in the order {order}", b"".join(pieces[number] for number in order) + pieces[4])
    for number in range(5):
        yield altered(f"without chunk {number}", b"".join(pieces[:number] + pieces[number + 1:]))
        yield altered(f"chunk {number} twice", b"".join(pieces[:number] + [pieces[number]] + pieces[number:]))
    yield altered("the last chunk first", pieces[4] + b"".join(pieces[:4]) + pieces[4])
    yield altered("something behind the last chunk", body + b"x")
    yield altered("a chunk behind the last one", body + pieces[0])
    for length in range(0, len(body), 37):
        yield altered(f"cut at {length}", body[:length])
    yield altered("two chunks' signatures exchanged", _exchanged(pieces))
    yield altered("no signatures", re.sub(rb";chunk-signature=[0-9a-f]{64}", b"", body))
    yield altered("empty signatures", re.sub(rb"chunk-signature=[0-9a-f]{64}", b"chunk-signature=", body))
    yield altered("another extension", body.replace(b"chunk-signature", b"chunk-Signature"))
    yield altered("the data alone", b"".join(CHUNKS))
    yield Forgery("no body", "POST", "/images", good)
    other = signing.chunk_signed_body(api.access_key, api.secret + "x", api.address, "POST", "/images", headers, CHUNKS)[1]
    yield altered("chunks signed by somebody else", other)
    for decoded in (0, 1, 280, 282, 10**15):
        yield Forgery(
            f"decoded length {decoded}", "POST", "/images", replaced(good, "X-Amz-Decoded-Content-Length", lambda _, decoded=decoded: str(decoded)), body
        )


def _exchanged(pieces):
    signatures = [re.search(rb"[0-9a-f]{64}", piece).group() for piece in pieces[:2]]
    first = pieces[0].replace(signatures[0], signatures[1])
    second = pieces[1].replace(signatures[1], signatures[0])
    return b"".join([first, second, *pieces[2:]])


GROUPS = [
    visor_signatures, visor_parts, visor_skew, visor_bodies, sigv4_signatures, sigv4_claims, sigv4_skew, sigv4_bodies, presigned, chunked,
]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_no_forgery_passes(server, user, mark, group):
    image = user.upload(CONTENT, name="untouched", mark=mark)
    anonymous = user.anonymous()
    accepted = []
    forgeries = list(group(user, image))
    link = anonymous.connect()
    for forgery in forgeries:
        for connection in (link, None):
            try:
                answer = anonymous.request(forgery.method, forgery.target, forgery.headers, forgery.body, connection=connection)
                break
            except OSError:
                # Refused before all of it was sent, the connection may end; then a new one must do.
                link.close()
                link = anonymous.connect()
        if not 400 <= answer.status < 500:
            accepted.append((forgery.what, answer))
    link.close()
    assert not accepted, f"{len(accepted)} of {len(forgeries)}: {accepted[:5]}"
    # Whatever was answered: nothing came of any of them. A body that broke off leaves an image in error, never one that is
    # available or waits for data.
    def made():
        return [entry for entry in user.listed(detail=True) if entry["owner"] == user.access_key and entry["_id"] != image]

    eventually(lambda: {entry["status"] for entry in made()} <= {"error"}, "what was begun has ended in error")
    assert user.get(f"/images/{image}").body == CONTENT
    assert user.head(f"/images/{image}").meta["name"] == "untouched"
    assert server.running()


def test_there_are_more_than_five_hundred(user):
    counts = {group.__name__: len(list(group(user, "11111111-2222-4333-8444-555555555555"))) for group in GROUPS}
    assert sum(counts.values()) >= 500, counts


def test_the_same_requests_pass_when_nothing_is_forged(user):
    """Else a mistake in the tests above would pass for the server's success."""
    image = user.upload(CONTENT, name="before")
    for scheme in ("visor", "sigv4"):
        assert user.using(scheme).put(f"/images/{image}", meta(name=scheme)).status == 200
    digest = base64.b64encode(hashlib.md5(CONTENT).digest()).decode()
    with_digest = [*meta(name="n", architecture="i386"), BINARY, ("Content-MD5", digest)]
    assert user.using("visor").post("/images", with_digest, CONTENT).status == 200
    headers, body = signing.chunk_signed_body(
        user.access_key, user.secret, user.address, "POST", "/images", [*meta(name="n", architecture="i386"), BINARY], CHUNKS
    )
    assert user.anonymous().post("/images", headers, body).status == 200
    target = signing.presigned(user.access_key, user.secret, user.address, "DELETE", f"/images/{image}")
    assert user.anonymous().delete(target).status == 200


# The scheme of 2012 tells two equal requests of one second not apart; it is the configuration that can switch it off.
def test_replays_are_refused_where_the_configuration_says_so():
    with Server(config="accounts:\n  refuse_replays: true\n") as server:
        root = server.api()
        image = root.upload(CONTENT, name="once")
        target = f"/images/{image}"
        good = root.signed("PUT", target, meta(name="taken once"))
        assert root.anonymous().put(target, good).status == 200
        assert root.put(target, meta(name="changed since")).status == 200
        for _ in range(50):
            assert root.anonymous().put(target, good).status == 403
        assert root.head(target).meta["name"] == "changed since"
        target = signing.presigned(root.access_key, root.secret, root.address, "DELETE", f"/images/{root.register()}")
        assert root.anonymous().delete(target).status == 200
        for _ in range(10):
            assert root.anonymous().delete(target).status in (403, 404)


def test_a_disabled_or_removed_account_signs_nothing_more(root):
    import json

    user = root.create_user()
    image = user.upload(CONTENT)
    target = f"/images/{image}"
    made_before = {scheme: user.using(scheme).signed("DELETE", target) for scheme in ("visor", "sigv4")}
    link = signing.presigned(user.access_key, user.secret, user.address, "DELETE", target)
    assert root.put(f"/users/{user.access_key}", [("Content-Type", "application/json")], json.dumps({"user": {"enabled": False}}).encode()).status == 200
    for headers in made_before.values():
        assert user.anonymous().delete(target, headers).status == 403
    assert user.anonymous().delete(link).status == 403
    assert Api(user.host, user.port, user.access_key, user.secret).get("/images").status == 403
    with contextlib.suppress(AssertionError):
        root.delete(f"/users/{user.access_key}")
    assert user.anonymous().delete(link).status == 403
