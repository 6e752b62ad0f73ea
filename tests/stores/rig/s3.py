"""What the S3 servers of the rig have in common."""

import botocore.session
from botocore.config import Config

from . import Unavailable
from rigged_server import RiggedServer

ACCESS, SECRET, BUCKET, REGION = "visor-access", "visor-secret-of-the-test", "images", "us-east-1"


def is_mark(key):
    return key.rpartition("/")[2] == "manifests"


class S3Server(RiggedServer):
    """A server says how it is installed and begun, in `install` and `begin`."""

    access = ACCESS
    ready_seconds = 240
    not_yet = Exception  # of the client's, which has no end of them

    def install(self):
        """The program, or Unavailable."""
        raise NotImplementedError

    def begin(self, program):
        """Starts `process` in `place`, to listen on `port`."""
        raise NotImplementedError

    def launch(self):
        self.begin(self.install())
        try:
            self.await_answer()
        except TimeoutError as late:
            raise Unavailable(str(late)) from late

    def ask(self):
        """Serving means that a bucket can be made and written to: its parts come up one after the other."""
        client = self.client()
        if BUCKET not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
            client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")
        client.delete_object(Bucket=BUCKET, Key="ready")

    def environment(self, style="path", signature="v4"):
        """What VISOR_TEST_S3 takes."""
        host = "127.0.0.1" if style == "path" else "localhost"
        return f"http://{host}:{self.port},{REGION},{BUCKET},{self.access},{SECRET},{style},{signature}"

    def client(self):
        return botocore.session.Session().create_client(
            "s3", region_name=REGION, endpoint_url=f"http://127.0.0.1:{self.port}", aws_access_key_id=self.access,
            aws_secret_access_key=SECRET,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}, read_timeout=60))

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
