"""Every operation by every caller on images of every visibility and state, held against tenant_table.py.

Besides the status: who may not see an image gets, byte for byte, the answer about an image that is not there, and what was
refused has changed nothing.
"""

import contextlib
import hashlib
import http.client
import itertools
import json
import re
import uuid

import pytest

import tenant_table as table
from harness import settings, signing
from harness.api import BINARY, Api, meta
from harness.server import Server
from harness.wait import eventually

SHELF = "shelf"
ABSENT = "00000000-0000-4000-8000-000000000000"
ALL = ("x-visor-scope", "all")
RUBY = ("User-Agent", "Ruby")
JSON = ("Content-Type", "application/json")
FORGED = [("X-Is-Admin", "true"), ("X-Roles", "admin"), ("X-User-Id", "owner"), ("X-Identity-Status", "Confirmed")]
HOUR = 3600


class Image:
    """What a request may say of an image. Every image has a `tag` and data that no other one has."""

    def __init__(self, identifier=ABSENT, tag=None, data=None, mark="nothing"):
        self.id = identifier
        self.tag = tag or "tag-" + uuid.uuid4().hex
        self.data = data or b"data of " + uuid.uuid4().hex.encode()
        self.mark = mark
        self.digest = hashlib.sha256(self.data).hexdigest()

    @property
    def path(self):
        return f"/images/{self.id}"


def replaced(texts, by="-"):
    """Puts what differs by nature between two images out of an answer."""
    pairs = sorted(texts, key=len, reverse=True)

    def replace(text):
        for known in pairs:
            text = text.replace(known, by)
        return text

    return replace


MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z| [+-]\d{4})?|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT|\d{8}T\d{6}Z")


class World:
    """A server with the accounts and images of the table."""

    def __init__(self, server, shelf, open_reads):
        self.server = server
        self.shelf = shelf
        self.open = open_reads
        self.root = server.api()
        self.links = {}
        self.stalled = []
        self._deleted = {}
        self.owner = self.root.create_user()
        self.other = self.root.create_user()
        self.referrer = self.root.create_user(may_refer=True)
        self.administrator = self.root.create_user(administrator=True)
        self.disabled = self.root.create_user(administrator=True)
        self.removed = self.root.create_user(administrator=True)
        self.spare_disabled = self.root.create_user(enabled=False)
        response = self.root.put(f"/users/{self.disabled.access_key}", [JSON], b'{"enabled": false}')
        assert response.status == 200, response
        assert self.root.delete(f"/users/{self.removed.access_key}").status == 200
        self.mark = "mark-" + uuid.uuid4().hex
        self.images = {
            (visibility, state): self.make(visibility, state, self.mark)
            for visibility in table.VISIBILITIES for state in table.STATES
        }
        gone = self.make("public", "available", self.mark)
        assert self.owner.delete(gone.path).status == 200
        no_kernel = self.send(self.owner, "POST", "/images", meta(name="no kernel", architecture="x86_64", type="machine"))
        self.no_kernel = no_kernel.image["_id"]
        self.nothings = {
            "absent": Image(), "removed": Image(gone.id), "no id": Image("not-an-id"),
        }

    def close(self):
        for link in itertools.chain(self.stalled, self.links.values()):
            link.close()

    @property
    def deleted(self):
        """Images that were deleted in each state."""
        if not self._deleted:
            for visibility in table.VISIBILITIES:
                for state in table.STATES:
                    self._deleted[visibility, state] = self.delete(visibility, state)
        return self._deleted

    def delete(self, visibility, state):
        image = self.make(visibility, state)
        image.state_restored = "error" if state == "uploading" else state
        response = self.send(self.owner, "DELETE", image.path)
        assert response.status == 200, response
        return image

    # --- images in a state ---

    def make(self, visibility, state, mark="none"):
        image = Image(mark=mark)
        attributes = meta(
            name=f"image {image.tag}", architecture="x86_64", access=visibility, type="kernel", tag=image.tag, mark=mark,
        )
        if state == "available":
            response = self.send(self.owner, "POST", "/images", [*attributes, BINARY], image.data)
        else:
            response = self.send(self.owner, "POST", "/images", attributes)
        assert response.status == 200, response
        image.id = response.image["_id"]
        if state == "uploading":
            self.stall(image)
        if state == "error":
            self.stall(image)
            self.stalled.pop().close()
            eventually(lambda: self.status(image) == "error", f"{image.id} is in error", 60)
        return image

    def stall(self, image):
        """Begins an upload that never ends."""
        headers = [BINARY]
        headers += signing.visor(self.owner.access_key, self.owner.secret)("PUT", image.path, headers, None)
        link = self.owner.connect()
        link.putrequest("PUT", image.path, skip_accept_encoding=True)
        for name, value in [*headers, ("Content-Length", "100000")]:
            link.putheader(name, value)
        link.endheaders(b"the beginning")
        self.stalled.append(link)
        eventually(lambda: self.status(image) == "uploading", f"{image.id} is being uploaded", 60)

    def status(self, image):
        return self.send(self.owner, "HEAD", image.path).meta.get("status")

    def record(self, image):
        """All that the owner is told of an image, but for how often it was read."""
        response = self.send(self.owner, "GET", f"{image.path}/metadata")
        assert response.status == 200, response
        return {name: value for name, value in response.image.items() if name not in ("access_count", "accessed_at")}

    # --- requests ---

    def send(self, api, method, target, headers=(), body=None, sign=None):
        """On a connection that is kept: one of its own for callers whose bodies nobody reads, which closes it."""
        for attempt in itertools.count():
            link = self.links.get(None) or self.links.setdefault(None, api.connect())
            try:
                return api.request(method, target, headers, body, sign=sign, connection=link)
            except (http.client.RemoteDisconnected, http.client.CannotSendRequest, ConnectionResetError, BrokenPipeError):
                link.close()
                del self.links[None]
                assert attempt < 3, f"{method} {target}: the connection broke {attempt} times"

    def ask(self, caller, method, target, headers=(), body=None):
        """As the caller of the table: the request, signed or not as its row says."""
        api, extra, sign, presign = self.identities[caller.name]
        if presign is not None:
            target = presign(method, target)
        return self.send(api, method, target, [*headers, *extra], body, sign)

    @property
    def identities(self):
        """By the caller's name: whose request, what headers it adds, how it is signed, how its URL is."""
        if not hasattr(self, "_identities"):
            self._identities = self._make_identities()
        return self._identities

    def _make_identities(self):
        def today(api, *extra, **how):
            return api, list(extra), signing.sigv4(api.access_key, api.secret, api.address, **how), None

        def of_2012(api, *extra, **how):
            return api, list(extra), signing.visor(api.access_key, api.secret, **how), None

        def by_url(api, **how):
            def presign(method, target):
                return signing.presigned(api.access_key, api.secret, api.address, method, target, **how)

            return api.anonymous(), [], None, presign

        def unsigned(*extra):
            return self.root.anonymous(), list(extra), None, None

        def truncated(api):
            whole = signing.sigv4(api.access_key, api.secret, api.address)

            def sign(*request):
                return [(name, value[:-1] if name == "Authorization" else value) for name, value in whole(*request)]

            return api, [], sign, None

        def wrong(api):
            return Api(api.host, api.port, api.access_key, "no" + api.secret)

        unknown = Api(self.root.host, self.root.port, "nobody-of-this-name", self.owner.secret)
        owner, other, administrator = self.owner, self.other, self.administrator
        return {
            "owner": today(owner),
            "owner of 2012": of_2012(owner),
            "owner by presigned URL": by_url(owner),
            "other": today(other),
            "other of 2012": of_2012(other),
            "other by presigned URL": by_url(other),
            "other with forged identity": today(other, *FORGED),
            "other that may refer": today(self.referrer),
            "other with scope": today(other, ALL),
            "owner with scope": today(owner, ALL),
            "administrator": today(administrator),
            "administrator of 2012": of_2012(administrator),
            "administrator with scope": today(administrator, ALL),
            "administrator of 2012 with scope": of_2012(administrator, ALL),
            "administrator with another scope": today(administrator, ("x-visor-scope", "everything")),
            "anonymous": unsigned(),
            "anonymous of 2012": unsigned(RUBY),
            "disabled administrator": today(self.disabled, ALL),
            "disabled administrator of 2012": of_2012(self.disabled, ALL),
            "removed administrator": today(self.removed, ALL),
            "unknown key": today(unknown, ALL),
            "owner with a wrong secret": today(wrong(owner)),
            "owner of 2012 with a wrong secret": of_2012(wrong(owner)),
            "owner with a truncated signature": truncated(owner),
            "owner with an expired date": today(owner, offset_seconds=-HOUR),
            "owner of 2012 with an expired date": of_2012(owner, date=signing.http_date(-HOUR)),
            "owner with a date ahead": today(owner, offset_seconds=HOUR),
            "owner by an expired URL": by_url(owner, expires=60, offset_seconds=-HOUR),
            "owner with Basic": unsigned(("Authorization", "Basic b3duZXI6c2VjcmV0")),
            "owner with Bearer": unsigned(("Authorization", f"Bearer {owner.secret}")),
            "anonymous where reads are open": unsigned(),
            "anonymous of 2012 where reads are open": unsigned(RUBY),
            "anonymous with scope where reads are open": unsigned(ALL),
            "other where reads are open": today(other),
            "wrong secret where reads are open": today(wrong(owner)),
            "disabled administrator where reads are open": today(self.disabled, ALL),
        }


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """One server that refuses unsigned requests and one that lets them read, each made when it is first asked for."""
    shelf = tmp_path_factory.mktemp(SHELF)
    (shelf / "image.raw").write_bytes(b"what lies on the shelf")
    made = {}
    with contextlib.ExitStack() as running:

        def world(open_reads):
            if open_reads not in made:
                # A stalled upload is a state here and no attack.
                config = settings.references(folders=[shelf]) + "limits:\n  body_minimum_rate: none\ndeleted_images:\n  keep: 1h\n"
                config += settings.ANONYMOUS_READ if open_reads else ""
                made[open_reads] = World(running.enter_context(Server(config=config)), shelf, open_reads)
                running.callback(made[open_reads].close)
            return made[open_reads]

        yield world


# --- the operations as requests -------------------------------------------------------------------------------------


def request_for(operation, image, world):
    """(method, target, headers, body)."""
    path = image.path
    fresh = b"what was uploaded later: " + image.tag.encode()
    tag, mark = image.tag, world.mark
    owner = world.owner.access_key
    register = meta(name="boots from it", architecture="x86_64", access="private")
    if image.mark == "nothing":
        mark = tag
    return {
        "head": ("HEAD", path, [], None),
        "head if new": ("HEAD", path, [("If-None-Match", f'"{image.digest}"')], None),
        "metadata": ("GET", f"{path}/metadata", [], None),
        "metadata as XML": ("GET", f"{path}/metadata", [("Accept", "application/xml")], None),
        "fetch": ("GET", path, [], None),
        "fetch a range": ("GET", path, [("Range", "bytes=2-5")], None),
        "fetch outside": ("GET", path, [("Range", "bytes=100000-")], None),
        "fetch if new": ("GET", path, [("If-None-Match", f'"{image.digest}"')], None),
        "fetch if other": ("GET", path, [("If-Match", '"another"')], None),
        "list": ("GET", f"/images?mark={mark}&tag={tag}", [], None),
        "list in detail": ("GET", f"/images/detail?tag={tag}", [], None),
        "list a page": ("GET", f"/images?limit=1&sort=size&tag={tag}", [], None),
        "list by id": ("GET", f"/images?_id={image.id}", [], None),
        "list by owner": ("GET", f"/images/detail?owner={owner}&tag={tag}", [], None),
        "list by digest": ("GET", f"/images?sha256={image.digest}", [], None),
        "list by digest, XML": ("GET", f"/images/detail?sha256={image.digest}", [("Accept", "application/xml")], None),
        "list from the image": ("GET", f"/images?marker={image.id}&sort=name&tag=none", [], None),
        "list behind the id": ("GET", f"/images?limit=1&marker={image.id}&tag=none", [], None),
        "change": ("PUT", path, meta(note="changed"), None),
        "change the access": ("PUT", path, meta(access="private"), None),
        "change if other data": ("PUT", path, [*meta(note="changed"), ("If-Match", '"another"')], None),
        "change to wrong kernel": ("PUT", path, meta(kernel=world.no_kernel), None),
        "change nothing": ("PUT", path, [], None),
        "change the owner": ("PUT", path, meta(owner="somebody"), None),
        "change the status": ("PUT", path, meta(status="available"), None),
        "upload": ("PUT", path, [BINARY], fresh),
        "upload with metadata": ("PUT", path, [*meta(note="changed"), BINARY], fresh),
        "upload if there is none": ("PUT", path, [BINARY, ("If-None-Match", "*")], fresh),
        "upload as a form": ("PUT", path, [("Content-Type", "multipart/form-data; boundary=x")], fresh),
        "refer to a file": ("PUT", path, meta(location=f"file://{world.shelf}/image.raw"), None),
        "refer with data": ("PUT", path, [*meta(location=f"file://{world.shelf}/image.raw"), BINARY], fresh),
        "delete": ("DELETE", path, [], None),
        "delete if other data": ("DELETE", path, [("If-Match", '"another"')], None),
        "boot with it as kernel": ("POST", "/images", [*register, *meta(kernel=image.id)], None),
        "boot with it as ramdisk": ("POST", "/images", [*register, *meta(ramdisk=image.id)], None),
        "post to it": ("POST", path, meta(note="changed"), None),
        "patch it": ("PATCH", path, meta(note="changed"), None),
        "post to its metadata": ("POST", f"{path}/metadata", meta(note="changed"), None),
    }[operation]


EFFECTS = {
    "change": lambda world, image: world.record(image)["note"] == "changed",
    "change the access": lambda world, image: world.record(image)["access"] == "private",
    "upload": lambda world, image: world.status(image) == "available",
    "upload with metadata": lambda world, image: world.record(image)["note"] == "changed",
    "upload if there is none": lambda world, image: world.status(image) == "available",
    "refer to a file": lambda world, image: world.record(image)["location"].startswith("file:"),
    "delete": lambda world, image: world.send(world.owner, "HEAD", image.path).status == 404,
    "restore": lambda world, image: world.status(image) == image.state_restored,
    "purge": lambda world, image: world.send(world.owner, "GET", f"/deleted{image.path}").status == 404,
}


def told(response, image):
    """What the table calls the answer."""
    if response.status != 200 or image is None:
        return response.status
    return "list" if image.id.encode() in response.body else "none"


def without_names(response, image):
    """An answer without what tells this request and this image from others."""
    replace = replaced([image.id, image.tag, image.digest])
    headers = [
        (name, MOMENT.sub("then", replace(value))) for name, value in response.headers
        if name.lower() not in ("date", "x-request-id")
    ]
    return response.status, headers, MOMENT.sub("then", replace(response.body.decode("utf-8", "replace")))


def callers_of(operation):
    return [caller for caller in table.CALLERS if not caller.reads_only or table.reading(operation)]


def hold(worlds, operation, record_property):
    """One operation: every caller, every image and everything that is none."""
    needs, answers = table.OPERATIONS[operation]
    lists = any(answer in table.LISTING for answer in answers.values())
    wrong, cells = [], 0
    used = set()
    for caller in callers_of(operation):
        world = worlds(caller.open)
        if world not in used:
            before = {key: world.record(image) for key, image in world.images.items()}
            used.add(world)
            world.before = before
        absent = None
        for state, image in world.nothings.items():
            want = table.expected(operation, caller, None, state)
            response = world.ask(caller, *request_for(operation, image, world))
            got = told(response, image if lists else None)
            cells += 1
            if got != want:
                wrong.append(f"{caller.name}, {state}: {got} and not {want}: {response}")
            if state == "absent":
                absent = without_names(response, image)
            elif state == "removed" and without_names(response, image) != absent:
                wrong.append(f"{caller.name}: a removed image and none differ: {response}; {absent}")
        for visibility, state in world.images:
            want = table.expected(operation, caller, visibility, state)
            alone = operation in table.CHANGING and want == 200
            image = world.make(visibility, state) if alone else world.images[visibility, state]
            response = world.ask(caller, *request_for(operation, image, world))
            got = told(response, image if lists else None)
            cells += 1
            if got != want:
                wrong.append(f"{caller.name}, {visibility}, {state}: {got} and not {want}: {response}")
            elif alone and not EFFECTS[operation](world, image):
                wrong.append(f"{caller.name}, {visibility}, {state}: was answered and had no effect")
            if needs != "nothing" and not table.sees(caller, visibility) and without_names(response, image) != absent:
                wrong.append(
                    f"{caller.name}, {visibility}, {state}: differs from no image: {without_names(response, image)}; {absent}"
                )
    for world in used:
        for key, image in world.images.items():
            if world.record(image) != world.before[key]:
                wrong.append(f"{key} was changed: {world.before[key]} is now {world.record(image)}")
    record_property("cells", cells)
    assert not wrong, f"{len(wrong)} of {cells} cells\n" + "\n".join(wrong[:40])


def operations(*needs):
    return [operation for operation, (kind, _) in table.OPERATIONS.items() if kind in needs]


# Classes, because each may run on a processor of its own.


class TestReading:
    @pytest.mark.parametrize("operation", [name for name in operations("see", "always") if not name.startswith("list")])
    def test_every_caller_reads_what_the_table_says(self, worlds, operation, record_property):
        hold(worlds, operation, record_property)


class TestListing:
    @pytest.mark.parametrize("operation", [name for name in operations("see", "always") if name.startswith("list")])
    def test_every_caller_finds_what_the_table_says(self, worlds, operation, record_property):
        hold(worlds, operation, record_property)


class TestChanging:
    @pytest.mark.parametrize("operation", operations("change"))
    def test_every_caller_changes_what_the_table_says(self, worlds, operation, record_property):
        hold(worlds, operation, record_property)


class TestRefusing:
    @pytest.mark.parametrize("operation", operations("register", "invalid", "nothing"))
    def test_every_caller_is_answered_as_the_table_says(self, worlds, operation, record_property):
        hold(worlds, operation, record_property)


class TestDeleted:
    @pytest.mark.parametrize("operation", table.DELETED)
    def test_every_caller_reaches_the_deleted_images_that_the_table_says(self, worlds, operation, record_property):
        wrong, cells = [], 0
        for caller in table.CALLERS:
            if caller.reads_only:
                continue
            world = worlds(caller.open)
            nothing = Image()
            response = world.ask(caller, *deleted_request(operation, nothing, world))
            lists = any(answer in table.LISTING for answer in table.DELETED[operation][1].values())
            got, want = told(response, nothing if lists else None), table.expected_of_deleted(operation, caller, None)
            if got != want:
                wrong.append(f"{caller.name}, absent: {got} and not {want}: {response}")
            absent = without_names(response, nothing)
            cells += 1
            for (visibility, state), image in world.deleted.items():
                want = table.expected_of_deleted(operation, caller, state)
                alone = operation in table.RESTORING and want == 200
                image = world.delete(visibility, state) if alone else image
                response = world.ask(caller, *deleted_request(operation, image, world))
                got = told(response, image if lists else None)
                cells += 1
                if got != want:
                    wrong.append(f"{caller.name}, {visibility}, {state}: {got} and not {want}: {response}")
                elif alone and not EFFECTS[operation](world, image):
                    wrong.append(f"{caller.name}, {visibility}, {state}: was answered and had no effect")
                if not table.reaches(caller) and without_names(response, image) != absent:
                    wrong.append(
                        f"{caller.name}, {visibility}, {state}: differs from no image: {without_names(response, image)}; {absent}"
                    )
        record_property("cells", cells)
        assert not wrong, f"{len(wrong)} of {cells} cells\n" + "\n".join(wrong[:40])


def deleted_request(operation, image, world):
    path = f"/deleted{image.path}"
    before = str(uuid.UUID(int=uuid.UUID(image.id).int - 1))
    kernel = meta(name="boots from it", architecture="x86_64", access="private", kernel=image.id)
    return {
        "show the deleted": ("GET", path, [], None),
        "show the deleted as XML": ("GET", path, [("Accept", "application/xml")], None),
        "list the deleted": ("GET", "/deleted/images", [], None),
        "list a deleted page": ("GET", f"/deleted/images?limit=1&marker={before}", [], None),
        "restore": ("POST", f"{path}/restore", [], None),
        "restore with a body": ("POST", f"{path}/restore", [BINARY], b"a body"),
        "purge": ("DELETE", path, [], None),
        "change the deleted": ("PUT", path, meta(note="changed"), None),
        "fetch the deleted": ("GET", image.path, [], None),
        "list as if there": ("GET", f"/images?tag={image.tag}", [], None),
        "boot from the deleted": ("POST", "/images", kernel, None),
    }[operation]


class TestService:
    @pytest.mark.parametrize("operation", table.SERVICE)
    def test_every_caller_is_served_as_the_table_says(self, worlds, operation, record_property):
        wrong, cells = [], 0
        for caller in table.CALLERS:
            if caller.reads_only:
                continue
            world = worlds(caller.open)
            want = table.expected_of_service(operation, caller)
            response = world.ask(caller, *service_request(operation, world))
            cells += 1
            if response.status != want:
                wrong.append(f"{caller.name}: {response.status} and not {want}: {response}")
            if operation in ("list everything", "list in detail") and response.status == 200:
                private = [image.id for (visibility, _), image in world.images.items() if visibility == "private"]
                found = [image for image in private if image.encode() in response.body]
                if len(found) != (len(private) if table.sees(caller, "private") else 0):
                    wrong.append(f"{caller.name}: sees {found} of the private images {private}")
        record_property("cells", cells)
        assert not wrong, "\n".join(wrong)


def service_request(operation, world):
    image = meta(name="one of many", architecture="x86_64", access="private")
    outside = f"file://{world.shelf}/nothing-lies-here"
    return {
        "heartbeat": ("GET", "/status", [], None),
        "health": ("GET", "/healthz", [], None),
        "description": ("GET", "/openapi.json", [], None),
        "nowhere": ("GET", "/nowhere", [], None),
        "delete all images": ("DELETE", "/images", [], None),
        "register": ("POST", "/images", image, None),
        "register and upload": ("POST", "/images", [*image, BINARY], b"a little data"),
        "register for another": ("POST", "/images", [*image, *meta(owner="somebody")], None),
        "register without a name": ("POST", "/images", meta(architecture="x86_64"), None),
        "register in no store": ("POST", "/images", [*image, *meta(store="nowhere")], None),
        "register as secret": ("POST", "/images", meta(name="n", architecture="x86_64", access="secret"), None),
        "register from a file": ("POST", "/images", [*image, *meta(location=f"file://{world.shelf}/image.raw")], None),
        "register from nowhere": ("POST", "/images", [*image, *meta(location=outside)], None),
        "list everything": ("GET", f"/images?mark={world.mark}", [], None),
        "list in detail": ("GET", f"/images/detail?mark={world.mark}", [], None),
        "list by two limits": ("GET", "/images?limit=1&limit=2", [], None),
        "list page 0": ("GET", "/images?limit=0", [], None),
        "show a text for an id": ("GET", "/images/not-an-id", [], None),
        "list the requests": ("GET", "/requests", [], None),
        "list the jobs": ("GET", "/jobs", [], None),
        "cancel no request": ("DELETE", "/requests/0000000000000", [], None),
        "list the stores": ("GET", "/stores", [], None),
        "check no store": ("POST", "/stores/nowhere/check", [], None),
        "list the placements": ("GET", "/placements", [], None),
        "scrub no store": ("POST", "/placements", [JSON], b'{"kind": "scrub", "store": "nowhere"}'),
        "show no placement": ("GET", "/placements/0", [], None),
        "cancel no placement": ("DELETE", "/placements/0", [], None),
    }[operation]


class TestAccounts:
    @pytest.mark.parametrize("operation", table.ACCOUNTS)
    def test_every_caller_manages_the_accounts_that_the_table_says(self, worlds, operation, record_property):
        wrong, cells = [], 0
        for caller in table.CALLERS:
            if caller.reads_only:
                continue
            world = worlds(caller.open)
            refusals = {}
            for target in table.ACCOUNT_TARGETS:
                want = table.expected_of_account(operation, caller, target)
                key = account_key(world, operation, target, want)
                before = account_record(world, key)
                response = world.ask(caller, *account_request(operation, key))
                got = "list" if key.encode() in response.body else "none"
                got = got if operation == "list the account" and response.status == 200 else response.status
                cells += 1
                if got != want:
                    wrong.append(f"{caller.name}, {target}: {got} and not {want}: {response}")
                if want == 403:
                    refusals[target] = without_names(response, Image(key))
                if want != 200 and account_record(world, key) != before:
                    wrong.append(f"{caller.name}, {target}: was refused and changed the account")
            if any(refusal != refusals["absent"] for target, refusal in refusals.items() if target != "impossible"):
                wrong.append(f"{caller.name}: refusals tell which accounts there are: {refusals}")
        record_property("cells", cells)
        assert not wrong, "\n".join(wrong)


def account_key(world, operation, target, want):
    if target == "impossible":
        return "x"
    if target == "absent":
        return "nobody-" + uuid.uuid4().hex[:12]
    if operation in table.CHANGES_OF_ACCOUNTS and want == 200:
        return world.root.create_user("spare-" + uuid.uuid4().hex[:12], enabled=target != "disabled").access_key
    return (world.owner if target == "owner" else world.spare_disabled).access_key


def account_record(world, key):
    return world.send(world.root, "GET", f"/users/{key}").body


def account_request(operation, key):
    def user(**fields):
        return json.dumps({"user": fields}).encode()

    email = f"{key}@example.org"
    return {
        "show the account": ("GET", f"/users/{key}", [], None),
        "list the account": ("GET", f"/users?access_key={key}", [], None),
        "change the account": ("PUT", f"/users/{key}", [JSON], user(note="changed")),
        "change it to nonsense": ("PUT", f"/users/{key}", [JSON], user(enabled="perhaps")),
        "rename it": ("PUT", f"/users/{key}", [JSON], user(access_key="another")),
        "create the account": ("POST", "/users", [JSON], user(access_key=key, email=email)),
        "create it without email": ("POST", "/users", [JSON], user(access_key=key)),
        "remove the account": ("DELETE", f"/users/{key}", [], None),
        "post to the account": ("POST", f"/users/{key}", [JSON], user(note="changed")),
    }[operation]


class TestTheTable:
    def test_it_has_thousands_of_cells_and_every_one_an_answer(self):
        assert table.cells() >= 2000
        for operation, caller, visibility, state in table.image_cells():
            assert table.expected(operation, caller, visibility, state) in {
                200, 206, 304, 400, 403, 404, 405, 409, 412, 416, *table.LISTING,
            }

    def test_it_speaks_of_every_caller_that_the_requests_know(self, worlds):
        assert sorted(worlds(False).identities) == sorted(caller.name for caller in table.CALLERS)

    def test_it_gives_the_2012_client_no_status_that_it_does_not_know(self):
        known = {200, 206, 304, 400, 403, 404, 409, 500, 503, *table.LISTING}
        for operation, caller, visibility, state in table.image_cells():
            if caller.classic:
                assert table.expected(operation, caller, visibility, state) in known
