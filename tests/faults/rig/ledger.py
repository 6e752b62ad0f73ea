"""What clients asked of a server and what they were told: the checker holds the server against it."""

import http.client
import json
import threading
import uuid

from harness.api import BINARY, Api, meta

# What a server may say when its disk fails: no access to data is refused for good, no client is blamed.
FAILURES = (500, 503, 507)


class Died(Exception):
    """The server did not answer: it was killed, or it closed the connection."""


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()  # of changes in several steps: clients beside each other share a ledger
        self.contents = {}  # image -> its data, acknowledged; None while it has none
        self.names = {}  # image -> the names that it may have: the acknowledged one, and those in doubt
        self.removed = set()  # images whose removal was acknowledged
        self.doubtful = set()  # images whose removal was asked for and not acknowledged
        self.attempted = []  # data whose upload was not acknowledged: whole or not there
        self.accounts = {}  # access key -> secret, acknowledged
        self.refusals = []  # statuses

    def copy(self):
        other = Ledger()
        with self.lock:
            other.contents = dict(self.contents)
            other.names = {image: set(names) for image, names in list(self.names.items())}
            other.removed, other.doubtful = set(self.removed), set(self.doubtful)
            other.attempted = list(self.attempted)
            other.accounts = dict(self.accounts)
            other.refusals = list(self.refusals)
        return other


class Client:
    """Does things and keeps the ledger. With `failures` the server may refuse; else any answer but 200 is a violation."""

    def __init__(self, api, ledger, failures=()):
        self.api = api
        self.ledger = ledger
        self.failures = failures

    def _ask(self, *request, **more):
        try:
            response = self.api.request(*request, **more)
        except (http.client.HTTPException, OSError) as error:
            raise Died(repr(error)) from error
        if response.status != 200:
            assert response.status in self.failures, f"{request[:2]} was answered {response}"
            self.ledger.refusals.append(response.status)
            return None
        return response

    def upload(self, content, chunked=False, name="an image"):
        """Registers an image with its data. Returns its id, or None if that was refused."""
        self.ledger.attempted.append(content)
        body = [content[i : i + 60_000] for i in range(0, len(content), 60_000)] if chunked else content
        response = self._ask("POST", "/images", [*meta(name=name, architecture="x86_64"), BINARY], body)
        return self._acknowledged(response.image["_id"], content, {name}) if response else None

    def register(self, name="an image"):
        response = self._ask("POST", "/images", meta(name=name, architecture="x86_64"))
        if response:
            with self.ledger.lock:
                self.ledger.contents[response.image["_id"]] = None
                self.ledger.names[response.image["_id"]] = {name}
            return response.image["_id"]
        return None

    def put(self, image, content, chunked=False):
        """Gives data to an image without any."""
        self.ledger.attempted.append(content)
        body = [content] if chunked else content
        response = self._ask("PUT", f"/images/{image}", [BINARY], body)
        return self._acknowledged(image, content, self.ledger.names[image]) if response else None

    def _acknowledged(self, image, content, names):
        with self.ledger.lock:
            self.ledger.attempted.remove(content)
            self.ledger.contents[image] = content
            self.ledger.names[image] = names
        return image

    def rename(self, image, name):
        self.ledger.names[image].add(name)
        if self._ask("PUT", f"/images/{image}", meta(name=name)):
            self.ledger.names[image] = {name}

    def delete(self, image):
        self.ledger.doubtful.add(image)
        if self._ask("DELETE", f"/images/{image}"):
            with self.ledger.lock:
                self.ledger.doubtful.discard(image)
                self.ledger.removed.add(image)
                self.ledger.contents.pop(image)

    def download(self, image):
        """Right bytes, or a refusal; `Died` for an answer that was cut off, which a client notices too."""
        response = self._ask("GET", f"/images/{image}")
        if response:
            assert response.body == self.ledger.contents[image], f"image {image}: wrong bytes were served"
        return response is not None

    def create_account(self):
        key = "account-" + uuid.uuid4().hex[:12]
        document = {"user": {"access_key": key, "email": f"{key}@example.org"}}
        response = self._ask("POST", "/users", [("Content-Type", "application/json")], json.dumps(document).encode())
        if response:
            self.ledger.accounts[key] = response.json["user"]["secret_key"]
        return key if response else None

    def as_account(self, key):
        """The same ledger, seen by another account."""
        api = Api(self.api.host, self.api.port, key, self.ledger.accounts[key], self.api.scheme)
        return Client(api, self.ledger, self.failures)
