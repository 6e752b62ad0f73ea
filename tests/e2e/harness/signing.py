"""Request signatures, written from the API's description and independent of the server's code.

A signer is a function (method, target, headers, body) that returns the headers to add. Headers are pairs of texts.
"""

import base64
import contextlib
import datetime
import email.utils
import hashlib
import hmac
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


def http_date(offset_seconds=0):
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset_seconds)
    return email.utils.format_datetime(now, usegmt=True)


def visor_signature(secret, method, target, headers):
    """base64(HMAC-SHA1(secret, description)); see "Authentication" in the description of the native API."""
    taken = {"content-md5": "", "content-type": ""}
    for name, value in headers:
        name = name.lower()
        if name in ("content-md5", "content-type", "date") or name.startswith("x-image-meta-"):
            taken[name] = value.strip()
    lines = [method.upper()]
    for name in sorted(taken):
        lines.append(f"{name}:{taken[name]}" if name.startswith("x-image-meta-") else taken[name])
    text = "\n".join(lines) + "\n" + target.partition("?")[0]
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()


def visor(access_key, secret, date=None, signed_type=None):
    """`signed_type` signs another Content-Type than the one sent, as the 2012 client does for a request without body."""

    def sign(method, target, headers, body):
        added = []
        if not any(name.lower() == "date" for name, _ in headers):
            added.append(("Date", date or http_date()))
        described = [*headers, *added]
        if signed_type is not None:
            described = [pair for pair in described if pair[0].lower() != "content-type"]
            described.append(("Content-Type", signed_type))
        signature = visor_signature(secret, method, target, described)
        return [*added, ("Authorization", f"VISOR {access_key}:{signature}")]

    return sign


class _Clock(datetime.datetime):
    """Lets botocore sign at another time than now."""

    offset = datetime.timedelta()

    @classmethod
    def utcnow(cls):
        return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + cls.offset


def _aws_request(method, address, target, headers, body):
    request = botocore.awsrequest.AWSRequest(method=method, url=address + target, data=body)
    for name, value in headers:
        request.headers[name] = value
    return request


def sigv4(access_key, secret, address, payload=None, region="local", offset_seconds=0):
    """AWS Signature Version 4, service "visor". `payload` replaces the SHA-256 of the body (UNSIGNED, a wrong one).

    A body in pieces must be a list.
    """

    def sign(method, target, headers, body):
        if payload is not None:
            digest = payload
        else:
            digest = hashlib.sha256(b"".join(body) if isinstance(body, list) else body or b"").hexdigest()
        signed = [(name, value) for name, value in headers if name.lower() not in ("transfer-encoding", "connection")]
        request = _aws_request(method, address, target, [*signed, ("X-Amz-Content-SHA256", digest)], b"")
        signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(access_key, secret), "visor", region)
        with _moved_clock(offset_seconds):
            signer.add_auth(request)
        added = [(name, request.headers[name]) for name in ("Authorization", "X-Amz-Date")]
        return [*added, ("X-Amz-Content-SHA256", digest)]

    return sign


def presigned(access_key, secret, address, method, target, expires=300, region="local", offset_seconds=0):
    """The target of a URL that carries its own signature."""
    request = _aws_request(method, address, target, [], None)
    request.context["payload_signing_enabled"] = False
    signer = _PresignedUrl(botocore.credentials.Credentials(access_key, secret), "visor", region, expires=expires)
    with _moved_clock(offset_seconds):
        signer.add_auth(request)
    return request.url[len(address):]


class _PresignedUrl(botocore.auth.SigV4QueryAuth):
    def payload(self, request):
        return UNSIGNED


@contextlib.contextmanager
def _moved_clock(seconds):
    # The clock is the whole process's: threads that sign beside each other must leave it alone.
    if not seconds:
        yield
        return
    original = botocore.auth.datetime.datetime
    botocore.auth.datetime.datetime = type("Moved", (_Clock,), {"offset": datetime.timedelta(seconds=seconds)})
    try:
        yield
    finally:
        botocore.auth.datetime.datetime = original


def chunk_signed_body(access_key, secret, address, method, target, headers, chunks, region="local", spoil=None):
    """A body whose chunks are each signed (STREAMING-AWS4-HMAC-SHA256-PAYLOAD) and the headers that go with it.

    `spoil` names the chunk whose bytes are changed after it was signed.
    """
    decoded = sum(len(chunk) for chunk in chunks)
    streaming = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    headers = [*headers, ("Content-Encoding", "aws-chunked"), ("X-Amz-Decoded-Content-Length", str(decoded))]
    added = sigv4(access_key, secret, address, payload=streaming, region=region)(method, target, headers, None)
    values = dict(added)
    stamp = values["X-Amz-Date"]
    scope = f"{stamp[:8]}/{region}/visor/aws4_request"
    key = f"AWS4{secret}".encode()
    for part in (stamp[:8], region, "visor", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    previous = values["Authorization"].rpartition("Signature=")[2]
    body = bytearray()
    for number, chunk in enumerate([*chunks, b""]):
        text = "\n".join(
            ["AWS4-HMAC-SHA256-PAYLOAD", stamp, scope, previous, EMPTY_SHA256, hashlib.sha256(chunk).hexdigest()]
        )
        previous = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        sent = bytes([chunk[0] ^ 1]) + chunk[1:] if number == spoil else chunk
        body += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + sent + b"\r\n"
    return [*headers, *added], bytes(body)


def quoted(text):
    return urllib.parse.quote(text, safe="")
