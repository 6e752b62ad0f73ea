"""An object store to measure against, and its client. scripts/bench has downloaded both: there is no network here."""

import sys
import tempfile

from measure.setting import ROOT, Setting

# The tests know how to start it.
sys.path.append(str(ROOT / "tests" / "stores"))

from rig import s3, seaweedfs  # noqa: E402


class ObjectStore:
    """A SeaweedFS that is empty at first. A context manager."""

    def __init__(self, setting: Setting):
        self.setting = setting
        self._server = seaweedfs.SeaweedFs()

    def __enter__(self) -> "ObjectStore":
        before, tempfile.tempdir = tempfile.tempdir, str(self.setting.folder("objects"))
        try:
            self._server.__enter__()
        finally:
            tempfile.tempdir = before
        return self

    def __exit__(self, *_) -> None:
        self._server.close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    @staticmethod
    def url(name: str) -> str:
        return f"s3://{s3.BUCKET}/{name}"

    def configuration(self) -> str:
        return f"""default_store: objects
stores:
  objects:
    kind: s3
    host: 127.0.0.1
    port: {self._server.port}
    tls: false
    bucket: {s3.BUCKET}
    region: {s3.REGION}
    access_key: {s3.ACCESS}
    secret_key: {s3.SECRET}
"""


class Client:
    """aws s3, as its package brings it."""

    name = "aws"

    def __init__(self, setting: Setting, objects: ObjectStore):
        self.setting = setting
        self.objects = objects

    def put(self, source: str, name: str) -> list[str]:
        return self._copy(source, self.objects.url(name))

    def get(self, name: str, target: str) -> list[str]:
        return self._copy(self.objects.url(name), target)

    def _copy(self, source: str, target: str) -> list[str]:
        program = str(self.setting.work / "awscli" / "bin" / "aws")
        return [program, "--endpoint-url", self.objects.address, "s3", "cp", "--quiet", source, target]

    def environment(self) -> dict[str, str]:
        # Nothing that this machine's user has configured counts.
        return self.setting.environment() | {
            "AWS_ACCESS_KEY_ID": s3.ACCESS,
            "AWS_SECRET_ACCESS_KEY": s3.SECRET,
            "AWS_DEFAULT_REGION": s3.REGION,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }
