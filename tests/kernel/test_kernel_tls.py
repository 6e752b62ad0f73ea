"""TLS with the kernel's part in it (kTLS): the same bytes with and without, and the kernel's own word on who encrypted."""

import json
import re

import pytest

from harness.wait import eventually

SIZE = 20 * 1024 * 1024 + 7
SMALL = 3 * 1024 * 1024 + 5
FIRST, LAST = 5_000_001, 9_000_000
S_CLIENT = "-connect 127.0.0.1:4568 -CAfile /tmp/visor/certificates/server.pem"

VERSIONS = {
    "1.3 with AES-128-GCM": "--tlsv1.3 --tls13-ciphers TLS_AES_128_GCM_SHA256",
    "1.3 with AES-256-GCM": "--tlsv1.3 --tls13-ciphers TLS_AES_256_GCM_SHA384",
    "1.3 with ChaCha20": "--tlsv1.3 --tls13-ciphers TLS_CHACHA20_POLY1305_SHA256",
    "1.2 with AES-128-GCM": "--tls-max 1.2 --ciphers ECDHE-ECDSA-AES128-GCM-SHA256",
    "1.2 with AES-256-GCM": "--tls-max 1.2 --ciphers ECDHE-ECDSA-AES256-GCM-SHA384",
    "1.2 with ChaCha20": "--tls-max 1.2 --ciphers ECDHE-ECDSA-CHACHA20-POLY1305",
}


class Image:
    """A public image of random bytes, and what its downloads must come to."""

    def __init__(self, served, store, size=SIZE, options=""):
        self.served = served
        answer = served.signed(
            f"{options} -X POST -H 'x-image-meta-name: {store}' -H 'x-image-meta-architecture: x86_64' -H 'x-image-meta-access: public' "
            f"-H 'x-image-meta-store: {store}'", "/images")
        self.path = "/images/" + json.loads(answer)["image"]["_id"]
        served.run(f"head -c {size} /dev/urandom >/tmp/image")
        served.signed(f"{options} -T /tmp/image -H 'Content-Type: application/octet-stream' -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD'",
                      self.path)
        self.whole = self.digest("cat /tmp/image")
        self.part = self.digest(f"head -c {LAST + 1} /tmp/image | tail -c {LAST + 1 - FIRST}")

    def digest(self, command):
        return self.served.run(f"set -o pipefail; {command} | sha256sum").split()[0]

    def downloaded(self, options):
        """The digest of what curl gets."""
        return self.digest(self.served.curl(options, self.path))


@pytest.fixture(scope="module")
def stored(served):
    return Image(served, "file")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_kernel_encrypts_a_download_and_its_bytes_are_the_same(kernel_tls, stored, version):
    before = kernel_tls.counters()
    assert stored.downloaded(VERSIONS[version]) == stored.whole
    assert stored.downloaded(f"{VERSIONS[version]} -r {FIRST}-{LAST}") == stored.part
    assert kernel_tls.counters()["TlsTxSw"] - before["TlsTxSw"] == 2, "one for each connection"


def test_without_the_module_the_server_encrypts_and_the_bytes_are_the_same(no_kernel_tls, stored):
    assert stored.downloaded(VERSIONS["1.3 with AES-128-GCM"]) == stored.whole
    assert stored.downloaded(f"{VERSIONS['1.2 with AES-128-GCM']} -r {FIRST}-{LAST}") == stored.part
    no_kernel_tls.run("ls /proc/net/tls_stat", status=1)


@pytest.mark.parametrize("version", ["1.3 with AES-256-GCM", "1.2 with AES-256-GCM"])
def test_an_upload_arrives_whole(kernel_tls, version):
    before = kernel_tls.counters()
    image = Image(kernel_tls, "file", SMALL, VERSIONS[version])
    after = kernel_tls.counters()
    assert image.downloaded("") == image.whole
    assert after["TlsTxSw"] - before["TlsTxSw"] == 2, "registered and uploaded"
    # OpenSSL 3.0 leaves the reading of TLS 1.3 to no kernel.
    assert after["TlsRxSw"] - before["TlsRxSw"] == (2 if "1.2" in version else 0)


def test_what_is_no_file_is_encrypted_too(kernel_tls):
    image = Image(kernel_tls, "memory", SMALL)
    before = kernel_tls.counters()
    assert image.downloaded("") == image.whole
    assert image.downloaded("--limit-rate 4M") == image.whole
    assert kernel_tls.counters()["TlsTxSw"] - before["TlsTxSw"] == 2


def test_openssl_reads_the_same_bytes(kernel_tls, stored):
    assert kernel_tls.run(f"""
        printf 'GET {stored.path} HTTP/1.0\\r\\nHost: images\\r\\n\\r\\n' |
          openssl s_client -quiet -verify_return_error {S_CLIENT} 2>/dev/null | tail -c {SIZE} | sha256sum""").split()[0] == stored.whole


@pytest.mark.parametrize("wish, letter", [("and wants one of the server's", "K"), ("alone", "k")])
def test_a_client_changes_its_key(kernel_tls, wish, letter):
    """OpenSSL's client does so for a line with that letter, and says that it has."""
    image = Image(kernel_tls, "file", SMALL)
    kernel_tls.run(f"""
        rm -f /tmp/typed /tmp/told; mkfifo /tmp/typed
        openssl s_client -quiet -no_ign_eof -tls1_3 {S_CLIENT} </tmp/typed >/tmp/shown 2>/tmp/told &
        exec 3>/tmp/typed
        echo {letter} >&3
        until grep -q KEYUPDATE /tmp/told; do usleep 20000; done
        printf 'GET {image.path} HTTP/1.0\\r\\nHost: images\\r\\n\\r\\n' >&3
        wait""")
    assert image.digest(f"tail -c {SMALL} /tmp/shown") == image.whole, kernel_tls.run("cat /tmp/told")


def test_the_kernel_counts_what_is_open_and_a_client_that_goes_away_is_let_go(kernel_tls, stored):
    process = kernel_tls.process()
    kernel_tls.run("\n".join(f"{kernel_tls.curl('--limit-rate 100K', stored.path)} >/tmp/part{n} 2>/tmp/complaint &" for n in range(3)))
    eventually(lambda: kernel_tls.counters()["TlsCurrTxSw"] == 3, "three downloads are open")
    eventually(lambda: kernel_tls.run("for part in 0 1 2; do [ -s /tmp/part$part ] && echo begun; done", status=None).count("begun") == 3,
               "each has got some bytes")
    kernel_tls.run("killall -9 curl")
    eventually(lambda: kernel_tls.counters()["TlsCurrTxSw"] == 0, "nothing is open")
    # As what it is, and not as a breach of TLS, which is what OpenSSL would call it.
    eventually(lambda: len(re.findall("an answer broke off.*the client closed the connection.*net.send_file", kernel_tls.log())) == 3,
               "the log tells of three")
    assert kernel_tls.process() == process
    assert stored.downloaded(f"-r {FIRST}-{LAST}") == stored.part


def test_a_new_certificate_is_taken_while_a_download_goes_on(kernel_tls, stored):
    process = kernel_tls.process()
    kernel_tls.run(f"{kernel_tls.curl('--limit-rate 6M', stored.path)} >/tmp/over 2>/tmp/complaint &")
    eventually(lambda: kernel_tls.counters()["TlsCurrTxSw"] == 1, "the download is open")
    kernel_tls.run("sh /tmp/visor/renew second && killall -HUP visord")
    shown = f"echo | openssl s_client {S_CLIENT} 2>/dev/null | openssl x509 -noout -subject"
    eventually(lambda: kernel_tls.run(shown, status=None).endswith("CN = second"), "the new certificate is shown")
    assert kernel_tls.run("pidof curl"), "the download is still under way"
    eventually(lambda: not kernel_tls.run("pidof curl", status=None), "the download is over")
    assert stored.digest("cat /tmp/over") == stored.whole
    assert kernel_tls.process() == process
