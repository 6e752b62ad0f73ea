"""A server that speaks TLS: the command over https, what is refused, and certificates that change while it runs."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import warnings

import pytest

from harness.api import Api
from harness.certificates import make_certificate
from harness.payload import data
from harness.server import ROOT_KEY, ROOT_SECRET, Server, StartFailed
from harness.wait import eventually

CONTENT = data(6 * 1024 * 1024 + 7, "tls")


class TlsApi(Api):
    """As Api, over https."""

    authority = None

    @property
    def address(self):
        return f"https://{self.host}:{self.port}"

    def connect(self, timeout=180):
        context = ssl.create_default_context(cafile=self.authority)
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=context)


class TlsServer(Server):
    """Listens as its configuration says: on a free port with the certificate server.pem in `certificates`."""

    def __init__(self, certificates, more="", **options):
        self.certificates = certificates
        listener = f"listeners:\n- address: 127.0.0.1:0\n  tls:\n    certificate: {certificates}/server.pem\n    key: {certificates}/server.key\n"
        super().__init__(config=listener + more, **options)

    def command(self):
        command = super().command()
        at = command.index("--listen")
        return command[:at] + command[at + 2:]

    @property
    def address(self):
        return f"https://{self.host}:{self.port}"

    def api(self, access_key=ROOT_KEY, secret=ROOT_SECRET, scheme="sigv4"):
        made = TlsApi(self.host, self.port, access_key, secret, scheme)
        made.authority = self.certificates / "server.pem"
        return made

    def trusting(self, name="server.pem"):
        return {"VISOR_CA": str(self.certificates / name)}

    def certificate_shown(self):
        """The one that a new connection gets to see, in PEM."""
        return ssl.get_server_certificate((self.host, self.port))


@pytest.fixture
def certificates(tmp_path):
    folder = tmp_path / "certificates"
    folder.mkdir()
    make_certificate(folder, "server")
    return folder


@pytest.fixture
def tls(certificates):
    with TlsServer(certificates) as running:
        yield running


def test_the_log_tells_the_address_with_its_scheme(tls):
    assert f"listening on https://127.0.0.1:{tls.port} (native)" in tls.log


def test_the_command_works_over_https_with_the_authority_it_is_given(tls, tmp_path):
    image = tmp_path / "image.raw"
    image.write_bytes(CONTENT)
    tls.cli("add", "name=over TLS", "architecture=x86_64", "format=raw", "-f", image, environment=tls.trusting(), check=0)
    listed = tls.api().listed(detail=True)
    assert [(one["name"], one["size"]) for one in listed] == [("over TLS", len(CONTENT))]
    tls.cli("get", listed[0]["_id"], "-S", tmp_path, environment=tls.trusting(), check=0)
    assert (tmp_path / f"{listed[0]['_id']}.raw").read_bytes() == CONTENT
    assert listed[0]["uri"].startswith("https://")


def test_the_command_refuses_a_certificate_that_nobody_it_knows_has_signed(tls):
    done = tls.cli("brief")
    assert done.returncode not in (0, None)
    assert "certificate" in done.stderr + done.stdout


def test_the_command_refuses_a_certificate_of_another_server(certificates):
    make_certificate(certificates, "other")
    with TlsServer(certificates) as server:
        done = server.cli("brief", environment=server.trusting("other.pem"))
        assert done.returncode not in (0, None)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_download_gives_the_same_bytes_whole_and_in_part(tls, version):
    image = tls.api().upload(CONTENT, access="public")
    api = tls.api()
    context = ssl.create_default_context(cafile=api.authority)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    link = http.client.HTTPSConnection(api.host, api.port, timeout=60, context=context)
    try:
        assert api.get(f"/images/{image}", connection=link).body == CONTENT
        part = api.get(f"/images/{image}", [("Range", "bytes=1000001-3000000")], connection=link)
        assert part.status == 206 and part.body == CONTENT[1000001:3000001]
    finally:
        link.close()


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_older_versions_are_refused(tls, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    with socket.create_connection((tls.host, tls.port), timeout=60) as link:
        with pytest.raises(ssl.SSLError, match="(?i)protocol.version"):
            context.wrap_socket(link)


def test_plain_http_is_answered_with_a_hint(tls):
    plain = http.client.HTTPConnection(tls.host, tls.port, timeout=60)
    plain.request("GET", "/healthz")
    answer = plain.getresponse()
    assert answer.status == 400
    assert b"https://" in answer.read()


def test_sighup_takes_a_new_certificate_and_open_connections_go_on(tls):
    api = tls.api()
    old = api.connect()
    assert api.get("/images", connection=old).status == 200
    before = tls.certificate_shown()
    make_certificate(tls.certificates, "server", "renewed")
    tls.signal(signal.SIGHUP)
    expected = (tls.certificates / "server.pem").read_text().strip()
    assert before.strip() != expected
    eventually(lambda: tls.certificate_shown().strip() == expected, "the new certificate is shown")
    assert api.get("/images", connection=old).status == 200
    assert tls.api().get("/images").status == 200
    old.close()


def test_a_bad_new_certificate_leaves_the_old_one_and_is_told(tls):
    before = tls.certificate_shown()
    (tls.certificates / "server.pem").write_text("not a certificate\n")
    tls.signal(signal.SIGHUP)
    eventually(lambda: "the new certificate was not taken" in tls.log, "the log tells")
    assert "server.pem" in tls.log
    assert tls.certificate_shown() == before


def test_a_download_goes_on_over_a_reload(tls):
    api = tls.api()
    image = api.upload(CONTENT)
    link = api.connect()
    link.putrequest("GET", f"/images/{image}", skip_accept_encoding=True)
    for name, value in api.signed("GET", f"/images/{image}"):
        link.putheader(name, value)
    link.endheaders()
    answer = link.getresponse()
    start = answer.read(100_000)
    make_certificate(tls.certificates, "server", "renewed")
    tls.signal(signal.SIGHUP)
    eventually(lambda: "were read again" in tls.log, "the reload")
    assert start + answer.read() == CONTENT
    link.close()


def test_clients_without_a_certificate_are_refused_where_one_is_required(certificates):
    authority = make_certificate(certificates, "clients", "the clients' authority")
    client = make_certificate(certificates, "alice", "alice", authority)
    more = f"    client_authorities: {authority}\n    client_certificates: required\n"
    with TlsServer(certificates, more) as server:

        def status(certificate):
            context = ssl.create_default_context(cafile=certificates / "server.pem")
            if certificate:
                context.load_cert_chain(certificate, certificate.with_suffix(".key"))
            link = http.client.HTTPSConnection(server.host, server.port, timeout=60, context=context)
            try:
                link.request("GET", "/healthz")
                return link.getresponse().status
            finally:
                link.close()

        assert status(client) == 200
        for refused in (None, certificates / "server.pem"):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                status(refused)


def failure(certificates, more=""):
    with pytest.raises(StartFailed) as caught:
        with TlsServer(certificates, more):
            pass
    return caught.value.text


def test_a_key_that_others_can_read_is_refused_at_the_start(certificates):
    (certificates / "server.key").chmod(0o644)
    text = failure(certificates)
    assert "server.key" in text and "chmod 600" in text


def test_a_key_of_another_certificate_is_refused_at_the_start(certificates):
    make_certificate(certificates, "other")
    os.replace(certificates / "other.key", certificates / "server.key")
    assert "does not belong" in failure(certificates)


def test_a_missing_file_is_named_at_the_start(certificates):
    (certificates / "server.pem").unlink()
    assert "server.pem" in failure(certificates)


@pytest.mark.parametrize("address, warned", [("127.0.0.1:0", False), ("0.0.0.0:0", True)])
def test_plain_http_beyond_this_machine_is_warned_of(address, warned):
    class OpenServer(Server):
        def command(self):
            return [part.replace("127.0.0.1:0", address) for part in super().command()]

    with OpenServer() as server:
        assert ("without TLS" in server.log) == warned


def test_the_configuration_is_checked_without_a_start(certificates):
    server = TlsServer(certificates, "    client_certificates: required\n")
    done = subprocess.run([*server.command(), "--check-config"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "client_authorities" in done.stderr
