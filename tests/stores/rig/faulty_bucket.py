"""visord in front of a bucket, with a proxy between that breaks what a test says; and what must hold behind each fault."""

import contextlib
import datetime
import hashlib
import http.client
import sqlite3

from harness.server import Server
from harness.wait import eventually

from .fault_proxy import FaultProxy
from .seaweedfs import ACCESS, SECRET

MIB = 1 << 20
BUCKET = "images"
# More than the configuration says, in whole seconds of either clock.
ABANDONED = datetime.timedelta(seconds=3)
SETTLE_SECONDS = 300


class FaultyBucket:
    """Used as a context manager. `kept` has the data of each image that was acknowledged and not removed since."""

    def __init__(self, behind):
        self.behind = behind
        self.proxy = FaultProxy(("127.0.0.1", behind.port))
        self.server = Server(config=f"""
default_store: bucket
stores:
  bucket:
    kind: s3
    host: 127.0.0.1
    port: {self.proxy.port}
    tls: false
    bucket: {BUCKET}
    access_key: {ACCESS}
    secret_key: {SECRET}
    part_size: 8 MiB
    abandoned_after: 1s
""")
        self.kept = {}

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.proxy)
            stack.enter_context(self.server)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *reason):
        self.proxy.heal()  # a stalled request would keep the server from stopping
        # The bucket is empty before the next test, whatever became of this one.
        self._stack.__exit__(*reason)
        self.empty()

    @property
    def root(self):
        return self.server.api()

    def upload(self, content):
        """What is acknowledged from now on has to be there."""
        image = self.root.upload(content)
        self.kept[image] = content
        return image

    def remove(self, image):
        response = self.root.delete(f"/images/{image}")
        assert response.status == 200, response
        del self.kept[image]

    def download(self, image, headers=()):
        """The answer if it came whole, or None for a connection that broke."""
        try:
            return self.root.get(f"/images/{image}", headers)
        except (http.client.IncompleteRead, ConnectionError):
            return None

    def assert_settles(self):
        """Nothing acknowledged is lost, nothing half is served, nothing is left behind, and the quota counts what is there."""
        self.proxy.heal()
        # The server looks for multipart uploads that nobody goes on with when it starts, and then rarely.
        eventually(self.uploads_are_abandoned, "what was begun is old enough to be ended", SETTLE_SECONDS)
        self.server.restart()
        eventually(lambda: not self.open_work(), f"what the fault cut off is finished: {self.open_work()}", SETTLE_SECONDS)
        root = self.root
        listed = {image["_id"]: image["status"] for image in root.listed(detail=True)}
        for image, content in self.kept.items():
            found = root.get(f"/images/{image}")
            assert found.status == 200, found
            assert digest(found.body) == digest(content), f"{image}: {len(found.body)} other bytes than {len(content)}"
        for image in listed.keys() - self.kept.keys():
            assert listed[image] == "error"
            assert root.get(f"/images/{image}").status == 404
        assert self.objects() == sorted(map(len, self.kept.values()))
        eventually(lambda: not self.multipart_uploads(), "no multipart upload is left", SETTLE_SECONDS)
        assert self.charged() == sum(map(len, self.kept.values()))

    # --- what lies in the bucket and in the catalogue, past the server ---

    def objects(self):
        """The sizes of what is there, ascending, but for what the server says of images in the background."""
        return sorted(entry["Size"] for entry in self._listing() if not entry["Key"].endswith(("manifest", "manifests")))

    def multipart_uploads(self):
        listed = self.behind.client().list_multipart_uploads(Bucket=BUCKET)
        return [(entry["Key"], entry["UploadId"]) for entry in listed.get("Uploads") or []]

    def uploads_are_abandoned(self):
        listed = self.behind.client().list_multipart_uploads(Bucket=BUCKET)
        now = datetime.datetime.now(datetime.timezone.utc)
        return all(now - entry["Initiated"] > ABANDONED for entry in listed.get("Uploads") or [])

    def empty(self):
        client = self.behind.client()
        for entry in self._listing():
            client.delete_object(Bucket=BUCKET, Key=entry["Key"])
        for key, upload in self.multipart_uploads():
            client.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload)

    def _listing(self):
        return self.behind.client().list_objects_v2(Bucket=BUCKET).get("Contents", [])

    def open_work(self):
        query = ("SELECT c.collection, r.id FROM records r JOIN names c ON c.number = r.collection"
                 " WHERE c.name = x'' AND c.collection IN (?, ?)")
        return self._asked(query, (b"uploads", b"removals"))

    def charged(self):
        counters = self._asked("SELECT name, value FROM counters")
        return sum(value for name, value in counters if name.startswith(b"bytes:"))

    def _asked(self, query, parameters=()):
        place = f"file:{self.server.data / 'catalogue.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(place, uri=True, timeout=60)) as database:
            return list(database.execute(query, parameters))


def digest(content):
    return hashlib.sha256(content).hexdigest()
