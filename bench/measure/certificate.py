"""One certificate for all servers that speak TLS."""

import dataclasses
import pathlib
import subprocess

from measure.setting import Setting


@dataclasses.dataclass(frozen=True)
class Certificate:
    certificate: pathlib.Path
    key: pathlib.Path


def make(setting: Setting) -> Certificate:
    folder = setting.folder("keys")
    made = Certificate(folder / "server.pem", folder / "server.key")
    if not made.certificate.exists():
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "3650", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", made.key, "-out", made.certificate],
            check=True, capture_output=True,
        )
        made.key.chmod(0o600)
    return made
