"""What the S3 servers of the rig have in common."""

import shutil
import time

import botocore.session
from botocore.config import Config

from . import Unavailable

READY_SECONDS = 240
ACCESS, SECRET, BUCKET, REGION = "visor-access", "visor-secret-of-the-test", "images", "us-east-1"
ATTEMPTS = 3


def is_mark(key):
    return key.rpartition("/")[2] == "manifests"


class S3Server:
    """Used as a context manager. A server says how it is installed and begun, in `install` and `begin`, and names its place,
    process and port."""

    name = "the server"
    access = ACCESS

    def __init__(self):
        self.place, self.process, self.port = None, None, None

    def install(self):
        """The program, or Unavailable."""
        raise NotImplementedError

    def begin(self, program):
        """Starts `process` in `place`, to listen on `port`."""
        raise NotImplementedError

    def __enter__(self):
        program = self.install()
        for attempt in range(ATTEMPTS):
            try:
                self.begin(program)
                self._await_bucket()
                return self
            except RuntimeError:
                self.close()
                if attempt + 1 == ATTEMPTS:
                    raise
            except BaseException:
                self.close()
                raise
        raise AssertionError("unreachable")

    def __exit__(self, *_):
        self.close()

    def environment(self, style="path", signature="v4"):
        """What VISOR_TEST_S3 takes."""
        host = "127.0.0.1" if style == "path" else "localhost"
        return f"http://{host}:{self.port},{REGION},{BUCKET},{self.access},{SECRET},{style},{signature}"

    def client(self):
        return botocore.session.Session().create_client(
            "s3", region_name=REGION, endpoint_url=f"http://127.0.0.1:{self.port}", aws_access_key_id=self.access,
            aws_secret_access_key=SECRET,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}, read_timeout=60))

    def _await_bucket(self):
        """Serving means that a bucket can be made and written to: its parts come up one after the other."""
        client, deadline = self.client(), time.monotonic() + READY_SECONDS
        while True:
            if self.process.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended: {self.process.complaint()}")
            try:
                if BUCKET not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
                    client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")
                client.delete_object(Bucket=BUCKET, Key="ready")
                return
            except Exception as failure:  # pylint: disable=broad-except
                if time.monotonic() > deadline:
                    raise Unavailable(f"{self.name} did not begin to serve: {failure}; {self.process.complaint()}") from failure
                time.sleep(0.1)

    def keys(self):
        """All but the mark that says whose a store is; it stays when all images are gone."""
        return [key for key in self._all_keys() if not is_mark(key)]

    def disown(self):
        """Makes each place in it nobody's, for a server whose catalogue is another one."""
        client = self.client()
        for key in filter(is_mark, self._all_keys()):
            client.delete_object(Bucket=BUCKET, Key=key)

    def _all_keys(self):
        return [entry["Key"] for entry in self.client().list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def uploads(self):
        """The multipart uploads under way."""
        return [entry["Key"] for entry in self.client().list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]

    def close(self):
        if self.process:
            self.process.kill()
            self.process = None
        if self.place:
            shutil.rmtree(self.place, ignore_errors=True)
