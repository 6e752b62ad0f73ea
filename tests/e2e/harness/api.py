"""A client for tests: says exactly what it sends and shows exactly what came back."""

import http.client
import json
import urllib.parse
import uuid
import xml.etree.ElementTree as ElementTree

from . import signing

# A head may carry more fields than this library expects of any server.
http.client._MAXHEADERS = 1000

BINARY = ("Content-Type", "application/octet-stream")


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def header(self, name):
        values = self.all(name)
        return values[0] if values else None

    def all(self, name):
        return [value for known, value in self.headers if known.lower() == name.lower()]

    @property
    def meta(self):
        """The image's attributes out of the x-image-meta-* headers."""
        prefix = "x-image-meta-"
        return {name.lower()[len(prefix):]: value for name, value in self.headers if name.lower().startswith(prefix)}

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def xml(self):
        return ElementTree.fromstring(self.body)

    @property
    def image(self):
        return self.json["image"]

    @property
    def images(self):
        return self.json["images"]

    @property
    def ids(self):
        return [image["_id"] for image in self.images]

    @property
    def message(self):
        return self.json["message"]

    def __repr__(self):
        return f"<{self.status} {dict(self.headers)} {self.body[:400]!r}>"


def meta(**attributes):
    return [(f"x-image-meta-{name}", str(value)) for name, value in attributes.items()]


class Api:
    """One account's view of a server. `scheme`: "visor", "sigv4" or None for an unsigned caller."""

    def __init__(self, host, port, access_key=None, secret=None, scheme="sigv4"):
        self.host, self.port = host, port
        self.access_key, self.secret = access_key, secret
        self.scheme = scheme if access_key else None

    @property
    def address(self):
        return f"http://{self.host}:{self.port}"

    def using(self, scheme):
        return Api(self.host, self.port, self.access_key, self.secret, scheme)

    def anonymous(self):
        return Api(self.host, self.port)

    def signer(self):
        if self.scheme == "visor":
            return signing.visor(self.access_key, self.secret)
        if self.scheme == "sigv4":
            return signing.sigv4(self.access_key, self.secret, self.address)
        return lambda *_: []

    def signed(self, method, target, headers=(), body=None, sign=None):
        headers = list(headers)
        headers += (sign or self.signer())(method, target, headers, body)
        return headers

    def connect(self, timeout=180):
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def request(self, method, target, headers=(), body=None, sign=None, connection=None, chunked=None):
        """`body`: bytes, or a list of bytes that is sent in chunks. Nothing is added but Host and framing."""
        streams = body is not None and not isinstance(body, (bytes, bytearray))
        chunked = streams if chunked is None else chunked
        headers = self.signed(method, target, headers, body, sign)
        link = connection or self.connect()
        try:
            if link.sock is None:
                # Here and not in endheaders(): a connection that was never made is not one that was answered early.
                link.connect()
            link.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers:
                link.putheader(name, value.encode("utf-8"))
            if chunked:
                link.putheader("Transfer-Encoding", "chunked")
            elif body is not None:
                link.putheader("Content-Length", str(len(body)))
            payload = ([body] if body else []) if chunked and not streams else body
            try:
                link.endheaders(payload, encode_chunked=chunked)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the server may answer before it has read all, and close: the answer counts
            answer = link.getresponse()
            fields = [(name, value.encode("latin-1").decode("utf-8", "replace")) for name, value in answer.getheaders()]
            return Response(answer.status, fields, answer.read())
        finally:
            if connection is None:
                link.close()

    def get(self, target, headers=(), **more):
        return self.request("GET", target, headers, **more)

    def head(self, target, headers=(), **more):
        return self.request("HEAD", target, headers, **more)

    def post(self, target, headers=(), body=None, **more):
        return self.request("POST", target, headers, body, **more)

    def put(self, target, headers=(), body=None, **more):
        return self.request("PUT", target, headers, body, **more)

    def delete(self, target, headers=(), **more):
        return self.request("DELETE", target, headers, **more)

    # --- what most tests begin with ---

    def register(self, **attributes):
        attributes = {"name": "an image", "architecture": "x86_64", **attributes}
        response = self.post("/images", meta(**attributes))
        assert response.status == 200, response
        return response.image["_id"]

    def upload(self, data, **attributes):
        attributes = {"name": "an image", "architecture": "x86_64", **attributes}
        response = self.post("/images", [*meta(**attributes), BINARY], data)
        assert response.status == 200, response
        return response.image["_id"]

    def listed(self, query="", detail=False):
        path = "/images/detail" if detail else "/images"
        response = self.get(path + ("?" + query if query else ""))
        assert response.status == 200, response
        return response.images

    def status_of(self, image):
        response = self.head(f"/images/{image}")
        assert response.status == 200, response
        return response.meta["status"]

    def create_user(self, access_key=None, **attributes):
        """Makes an account and returns its own view of the server."""
        access_key = access_key or "user-" + uuid.uuid4().hex[:12]
        document = {"access_key": access_key, "email": f"{access_key}@example.org", **attributes}
        body = json.dumps({"user": document}).encode()
        response = self.post("/users", [("Content-Type", "application/json")], body)
        assert response.status == 200, response
        user = response.json["user"]
        return Api(self.host, self.port, user["access_key"], user["secret_key"], self.scheme)


def query(**parameters):
    return urllib.parse.urlencode(parameters)
