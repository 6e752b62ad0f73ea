"""VISOR under measurement."""

import json
import pathlib
import secrets
import subprocess
import time
import urllib.request

from measure import certificate
from measure.filled import FilledFolder
from measure.image_api import ImageApi
from measure.processes import Server
from measure.setting import Setting
from measure.signing import Signer, head

ACCOUNT = "bench"
ALL_DIGESTS = ("md5", "sha1", "sha256", "sha512")


def secret_of(setting: Setting) -> str:
    path = setting.folder("keys") / "secret"
    if not path.exists():
        path.write_text(secrets.token_urlsafe(30))
        path.chmod(0o600)
    return path.read_text()


class Visor(Server):
    name = "visor"
    port = 18080
    tls_port = 18443
    serves = "native"

    def __init__(self, setting: Setting, data: pathlib.Path, digests: tuple[str, ...] = ALL_DIGESTS, more: str = ""):
        super().__init__(setting)
        self.data = data
        self.digests = digests
        self.more = more  # of the configuration
        self.signer = Signer(ACCOUNT, secret_of(setting))
        self.with_account = True

    def command(self) -> list[str]:
        return [self.setting.program("visord"), "--config", str(self._configuration())]

    def _configuration(self) -> pathlib.Path:
        return self.setting.folder("configuration") / "visor.yml"

    def prepare(self) -> None:
        made = certificate.make(self.setting)
        self._configuration().write_text(
            f"""data: {self.data}
listeners:
  - address: 127.0.0.1:{self.port}
    serves: [{self.serves}]
  - address: 127.0.0.1:{self.tls_port}
    serves: [{self.serves}]
    tls: {{certificate: {made.certificate}, key: {made.key}}}
log:
  level: warning
accounts:
  anonymous_read: true
digests: [{", ".join(self.digests)}]
limits:
  requests_per_connection: 1000000000
{self.more}"""
        )

    def environment(self) -> dict[str, str]:
        environment = super().environment()
        if self.with_account:
            environment |= {"VISOR_ROOT_ACCESS_KEY": ACCOUNT, "VISOR_ROOT_SECRET_KEY": self.signer.secret_key}
        return environment

    def accepts(self) -> bool:
        """Whether the server would start with this configuration."""
        self.prepare()
        checked = subprocess.run(self.command() + ["--check-config"], capture_output=True, check=False)
        return checked.returncode == 0

    # --- requests outside of what is measured ---

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return answer.read()

    def send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> dict:
        signed = self.signer.of_2012(method, path, self.port, headers)
        fields = dict(line.split(": ", 1) for line in signed.decode().split("\r\n")[1:] if line)
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method=method, data=body or None, headers=fields
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.loads(answer.read())

    def upload_head(self, size: int) -> bytes:
        """Registers an image and takes its data in one request."""
        return self.signer.of_2012(
            "POST", "/images", self.port, self.new_image() | {
                "Content-Type": "application/octet-stream", "Content-Length": str(size)
            }
        )

    @staticmethod
    def new_image() -> dict[str, str]:
        return {"x-image-meta-name": "bench", "x-image-meta-architecture": "x86_64", "x-image-meta-note": "made by bench"}

    def remove_all(self, query: str) -> None:
        for image in json.loads(self.get(f"/images?{query}"))["images"]:
            self.send("DELETE", f"/images/{image['_id']}")

    def metadata_head(self, image: str) -> bytes:
        return head("GET", f"/images/{image}/metadata", self.port)


class VisorImages(ImageApi, Visor):
    """Its front end for OpenStack; everybody is one administrator, as with Glance. The digests are those that Glance computes, and
    SHA-256, which can't be left out."""

    serves = "glance"

    def __init__(self, setting: Setting, data: pathlib.Path):
        everybody = f"identity: {{kind: none, everybody: {{account: {ACCOUNT}, administrator: true}}}}\n"
        super().__init__(setting, data, ("md5", "sha256", "sha512"), everybody)


def wait_for(path: pathlib.Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"the server has not made {path} within a minute")
        time.sleep(0.01)


class Filled(FilledFolder):
    server = "visor"

    def fill(self) -> None:
        # The first start makes the account, and what else a new folder needs: last the mark of its store.
        with Visor(self.setting, self.folder):
            wait_for(self.folder / "store" / "ma" / "manifests")
        # The ids are those of images that everybody may see.
        subprocess.run(
            [self.setting.program("fill_catalogue"), self.folder / "catalogue.db", str(self.setting.images), self.ids],
            check=True,
        )
