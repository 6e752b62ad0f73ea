"""Request heads as bytes, signed where that is asked for: made ahead, so that load costs its maker little."""

import base64
import datetime
import email.utils
import hashlib
import hmac
import urllib.parse

Headers = dict[str, str]


def head(method: str, path: str, port: int, headers: Headers | None = None) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Signer:
    """One account's signatures, of both schemes."""

    def __init__(self, access_key: str, secret_key: str):
        self.access_key = access_key
        self.secret_key = secret_key

    def of_2012(self, method: str, path: str, port: int, headers: Headers | None = None) -> bytes:
        """A head with `Authorization: VISOR`; the signature does not cover a body."""
        headers = {"Date": email.utils.formatdate(usegmt=True)} | (headers or {})
        lower = {name.lower(): value.strip() for name, value in headers.items()}
        signed = {"content-md5": "", "content-type": ""} | {
            name: value
            for name, value in lower.items()
            if name in ("content-md5", "content-type", "date") or name.startswith("x-image-meta-")
        }
        lines = [f"{name}:{signed[name]}" if name.startswith("x-image-meta-") else signed[name] for name in sorted(signed)]
        text = "\n".join([method, *lines, path.partition("?")[0]])
        digest = hmac.new(self.secret_key.encode(), text.encode(), hashlib.sha1).digest()
        authorization = f"VISOR {self.access_key}:{base64.b64encode(digest).decode()}"
        return head(method, path, port, headers | {"Authorization": authorization})

    def sigv4(self, method: str, path: str, port: int) -> bytes:
        """A head with AWS Signature Version 4, for a request without a body."""
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp, date = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        empty = hashlib.sha256(b"").hexdigest()
        headers = {"host": f"127.0.0.1:{port}", "x-amz-content-sha256": empty, "x-amz-date": stamp}
        place, _, query = path.partition("?")
        pairs = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))
        canonical = "\n".join(
            [method, place, urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote)]
            + [f"{name}:{value}" for name, value in headers.items()]
            + ["", ";".join(headers), empty]
        )
        scope = f"{date}/us-east-1/visor/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{self.secret_key}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        del headers["host"]
        authorization = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, "
            f"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}"
        )
        return head(method, path, port, headers | {"authorization": authorization})
