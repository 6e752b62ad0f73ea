#!/usr/bin/python3
"""Writes vectors.inc: requests signed by botocore (Debian: python3-botocore) for a service that is not S3.

Run it again after a change:  /usr/bin/python3 make_vectors.py > vectors.inc
"""
import datetime
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from urllib.parse import urlsplit

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime.datetime(2026, 3, 14, 15, 9, 26)


class FixedTime(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return NOW


class FixedModule:
    datetime = FixedTime


def text(value):
    raw = value if isinstance(value, bytes) else value.encode("utf-8")
    return '"' + "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else "\\%03o" % b for b in raw) + '"'


def vector(name, request, body):
    parts = urlsplit(request.url)
    headers = [(n, v) for n, v in request.headers.items()]
    if not any(n.lower() == "host" for n, _ in headers):
        headers.insert(0, ("Host", parts.netloc))
    pairs = ", ".join("{%s, %s}" % (text(n), text(v)) for n, v in headers)
    print("{%s, %s, %s, %s, %s, {%s}}," % (text(name), text(request.method), text(parts.path), text(parts.query), text(body), pairs))


def header_signed(name, method, url, headers=None, body=b"", token=True):
    request = AWSRequest(method=method, url=url, headers=headers or {}, data=body)
    if token:
        import hashlib
        request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
    botocore.auth.SigV4Auth(Credentials(KEY, SECRET), "visor", "eu-central-1").add_auth(request)
    vector(name, request, body)


def presigned(name, method, url, headers=None, expires=600):
    request = AWSRequest(method=method, url=url, headers=headers or {})
    botocore.auth.SigV4QueryAuth(Credentials(KEY, SECRET), "visor", "eu-central-1", expires).add_auth(request)
    vector(name, request, b"")


botocore.auth.datetime = FixedModule
BASE = "http://images.example.org:4568"
print("// Written by make_vectors.py with botocore %s; don't edit." % botocore.__version__)
header_signed("plain list", "GET", BASE + "/images")
header_signed("no payload header", "GET", BASE + "/images", token=False)
header_signed("no payload header, small body", "POST", BASE + "/users", {"Content-Type": "application/json"}, b'{"email":"a@b.org"}', token=False)
header_signed("root path", "GET", BASE + "/")
header_signed("empty path", "GET", BASE)
header_signed("folded slashes", "GET", BASE + "//images///42//")
header_signed("encoded path", "GET", BASE + "/users/joe%40example.org/a%20b")
header_signed("path with characters that are encoded for signing only", "GET", BASE + "/users/joe@x+y,z:(1)~")
header_signed("utf-8 path", "GET", BASE + "/images/%E1%88%B4")
header_signed("query in disorder", "GET", BASE + "/images?sort=name&dir=asc&architecture=x86_64&Zeta=1")
header_signed("query with repeated names", "GET", BASE + "/images?a=2&a=1&a=10&A=3")
header_signed("query with encoded values", "GET", BASE + "/images?name=Debian%2012%20%2B%20tools&note=%C3%A9%2F%26%3D")
header_signed("query not encoded by the book", "GET", BASE + "/images?name=a:b/c@d&empty=&bare&&x")
header_signed("attributes", "POST", BASE + "/images", {"x-image-meta-name": "Debian  12   (bookworm)", "x-image-meta-architecture": "x86_64", "X-Image-Meta-Kernel_Id": "a b"})
header_signed("upload", "PUT", BASE + "/images/0c7f5b5e-2f6b-4d19-9c55-7a7d3d1f9a10", {"Content-Type": "application/octet-stream", "Content-MD5": "XUFAKrxLKna5cZ2REBfFkg=="}, b"hello")
header_signed("date header", "DELETE", BASE + "/images/1", {"Date": "Sat, 14 Mar 2026 15:09:26 GMT"})
header_signed("utf-8 header", "POST", BASE + "/images", {"x-image-meta-name": "caf\u00e9 \u4e2d\u6587"})
presigned("presigned", "GET", BASE + "/images/0c7f5b5e-2f6b-4d19-9c55-7a7d3d1f9a10")
presigned("presigned with a query", "GET", BASE + "/images?name=a%20b&sort=size")
presigned("presigned with a header", "GET", BASE + "/images/1", {"x-visor-scope": "all"})
