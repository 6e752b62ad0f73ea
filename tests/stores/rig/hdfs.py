"""A real HDFS: namenodes in one Java process, each datanode and HttpFS in one of its own (minidfs/MiniDfs.java)."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from . import CACHE, ROOT, Unavailable, alone
from harness.wait import eventually
from processes import Process

SOURCE = ROOT / "tests" / "stores" / "minidfs"
DOWNLOAD_SECONDS = 900
USER = "visor"
FOLDER = "/images"

# Hadoop looks into the JDK's own classes for its buffers.
OPENED = ["java.base/java.lang", "java.base/java.nio", "java.base/java.util", "java.base/sun.nio.ch"]


def _run(command, what):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise Unavailable(f"{what}: {failure}") from failure
    if done.returncode != 0:
        raise Unavailable(f"{what}: {(done.stdout + done.stderr)[-600:].strip()}")


@alone("minidfs")
def class_path():
    """Hadoop's libraries and our launcher, fetched and compiled once for each version of their sources."""
    for program in ("java", "javac", "mvn"):
        if shutil.which(program) is None:
            raise Unavailable(f"HDFS needs {program} (Debian: openjdk-17-jdk-headless and maven)")
    sources = [SOURCE / "pom.xml", SOURCE / "MiniDfs.java"]
    version = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    made = CACHE / f"minidfs-{version}"
    if not made.exists():
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="minidfs-") as text:
            folder = pathlib.Path(text)
            shutil.copy(sources[0], folder)
            _run(["mvn", "-q", "-B", f"-Dmaven.repo.local={CACHE}/maven", "-f", str(folder / "pom.xml"), "dependency:copy-dependencies",
                  f"-DoutputDirectory={folder}/libraries"], "Hadoop could not be downloaded")
            _run(["javac", "-nowarn", "-cp", f"{folder}/libraries/*", "-d", f"{folder}/classes", str(sources[1])],
                 "the launcher of HDFS could not be compiled")
            os.rename(folder, made)
            folder.mkdir()
    return f"{made}/classes:{made}/libraries/*"


def make_certificates(folder):
    """An authority of its own in ca.pem, and a key store for 127.0.0.1 that it signed, with the ssl-server.xml that names it."""
    def openssl(*words):
        _run(["openssl", *map(str, words)], "no certificate could be made")

    authority, key, signed, store = folder / "ca.pem", folder / "ca.key", folder / "server.pem", folder / "server.p12"
    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl(*new, "-x509", "-days", 2, "-subj", "/CN=authority of the tests", "-keyout", key, "-out", authority)
    openssl(*new, "-subj", "/CN=HDFS", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "server.key", "-out", folder / "server.csr")
    openssl("x509", "-req", "-in", folder / "server.csr", "-CA", authority, "-CAkey", key, "-CAcreateserial", "-days", 2,
            "-copy_extensions", "copy", "-out", signed)
    openssl("pkcs12", "-export", "-inkey", folder / "server.key", "-in", signed, "-passout", f"pass:{USER}-tests", "-out", store)
    settings = {"location": store, "type": "pkcs12", "password": f"{USER}-tests", "keypassword": f"{USER}-tests"}
    properties = "".join(f"<property><name>ssl.server.keystore.{name}</name><value>{value}</value></property>" for name, value in settings.items())
    (folder / "ssl-server.xml").write_text(f"<configuration>{properties}</configuration>")
    return authority


def beside_images(name):
    """Whether a file is a manifest, or the mark that says whose a store is."""
    return name.endswith((".manifest", "/manifests"))


class Hdfs:
    """Used as a context manager. `namenodes` and `datanodes` are host:port of their web servers, `authority` is the file of
    the certificate to trust, or None without TLS."""

    # Java's first compiler alone: most processes here live for seconds.
    def __init__(self, datanodes=3, pair=False, tls=False, java=("-Xmx256m", "-XX:TieredStopAtLevel=1")):
        self.user, self.folder = USER, FOLDER
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="visor-hdfs-"))
        self.authority = None
        self._wanted, self._pair, self._tls, self._java = datanodes, pair, tls, java
        self._namenode, self._datanodes, self._gateways = None, {}, {}
        self._killed = []
        self._next_gateway, self._started = 0, datanodes

    def __enter__(self):
        try:
            self._classes = class_path()
            if self._tls:
                self.authority = make_certificates(self.place)
            self._namenode = self._start(["namenode", self.place, USER] + ["ha"] * self._pair + ["tls"] * self._tls)
            self.namenodes = self._namenode.answer()["namenodes"]
            # Together: most of a Java process's start is its own.
            started = [self._start(["datanode", self.place, number]) for number in range(self._wanted)]
            for process in started:
                self._datanodes[process.answer()["http"]] = process
            self.order(f"datanodes {self._wanted}")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _start(self, arguments):
        opened = [f"--add-opens={name}=ALL-UNNAMED" for name in OPENED]
        name = "-".join(str(word) for word in (arguments[0], *arguments[2:]))
        return Process(["java", *self._java, *opened, "-cp", f"{self.place}:{self._classes}", "MiniDfs", *arguments],
                       log=self.place / f"{name}.log", cwd=self.place)

    @property
    def datanodes(self):
        return list(self._datanodes)

    def order(self, text):
        return self._namenode.order(text)

    def files(self, folder=FOLDER):
        """What lies below a folder, the half-written files too, but for what the server says of images in the background."""
        return [name for name in self.order(f"files {folder}")["files"] if not beside_images(name)]

    def await_files(self, count):
        """Until so many are left: beside images the server writes in the background at any time, for a moment each."""
        eventually(lambda: len(self.files()) == count, f"{count} files are left", seconds=180)

    def await_space(self, count):
        eventually(lambda: self.space() == count, f"{count} bytes are taken", seconds=180)

    def space(self, folder=FOLDER):
        """What these files take of the folder's quota, all replicas counted."""
        beside = [name for name in self.order(f"files {folder}")["files"] if beside_images(name)]
        return self.order(f"space {folder}")["bytes"] - sum(self.order(f"space {name}")["bytes"] for name in beside)

    def mend(self):
        """As it was at first, for a server whose catalogue is another one: empty, and with all its datanodes."""
        for address in self._killed:
            self.order(f"bury {address}")
            self.add_datanode()
        self._killed.clear()
        self.order(f"datanodes {len(self._datanodes)}")
        self.order(f"empty {self.folder}")

    def kill_datanode(self, address):
        self._datanodes.pop(address).kill()
        self._killed.append(address)

    def add_datanode(self):
        number = self._started
        self._started += 1
        process = self._start(["datanode", self.place, number])
        self._datanodes[process.answer()["http"]] = process

    def add_gateway(self):
        """host:port of an HttpFS before it."""
        number = self._next_gateway
        self._next_gateway += 1
        process = self._start(["gateway", self.place, number])
        address = process.answer()["http"]
        self._gateways[address] = process
        return address

    def kill_gateway(self, address):
        self._gateways.pop(address).kill()

    def close(self):
        for process in [*self._gateways.values(), *self._datanodes.values(), *([self._namenode] if self._namenode else [])]:
            process.kill()
        self._gateways.clear()
        self._datanodes.clear()
        self._namenode = None
        shutil.rmtree(self.place, ignore_errors=True)
