"""Certificates for this machine, made when a test needs them."""

import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


def make_certificate(folder, name, common_name="localhost", authority=None):
    """A key and a certificate for this machine: signed by itself (then good as an authority, too), or by `authority`."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    request = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-subj", f"/CN={common_name}",
               "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    if authority is None:
        openssl(*request, "-x509", "-days", "2", "-out", certificate)
    else:
        openssl(*request, "-addext", "basicConstraints=critical,CA:FALSE", "-out", folder / f"{name}.csr")
        openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", authority, "-CAkey", authority.with_suffix(".key"),
                "-days", "2", "-copy_extensions", "copyall", "-out", certificate)
    key.chmod(0o600)
    return certificate
