"""A throw-away Debian 12 in namespaces of its own, and the server in it."""

import os
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import threading

MAKE_SECONDS = 900
COMMAND_SECONDS = 600
START_SECONDS = 180
STOP_SECONDS = 180
RETRIES = 'Acquire::Retries "10"'  # apt's own, of a download that fails
STATE = "/var/lib/visor"


def why_impossible():
    """A sentence if no clean root can be made here, else None."""
    if os.geteuid() != 0:
        return "installing a package into a clean root takes root"
    for tool in ("mmdebstrap", "unshare", "nsenter", "ip", "strace", "systemd-analyze"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    tried = subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", "true"], capture_output=True, text=True)
    if tried.returncode:
        return f"this machine gives no namespaces: {tried.stderr.strip()}"
    return None


class CleanRoot:
    """Used as a context manager. Its processes and mounts live in namespaces that end when this process does."""

    # Ends when its standard input does: when the tests close it, or when they are gone.
    HOLDER = "mount -t proc proc \"$1/proc\" && ip link set lo up && echo ready && read -r _; true"

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="visor-root-"))
        self.path = self.folder / "root"
        self.holder = None
        self.inside = None

    def __enter__(self):
        try:
            # The package lists stay, so that apt can look for the package's dependencies.
            made = subprocess.run(
                ["mmdebstrap", "--quiet", "--variant=minbase", f"--aptopt={RETRIES}", "--skip=cleanup/apt/lists", "--include=adduser",
                 "bookworm", str(self.path)],
                capture_output=True, text=True, timeout=MAKE_SECONDS,
            )
            assert made.returncode == 0, f"no clean root could be made (is the network up?):\n{made.stderr[-3000:]}"
            # As on a running system: services are neither started nor stopped, because no systemd runs.
            self.holder = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child",
                 "sh", "-c", self.HOLDER, "sh", str(self.path)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            assert self.holder.stdout.readline() == "ready\n", "the namespaces of the clean root could not be set up"
            children = f"/proc/{self.holder.pid}/task/{self.holder.pid}/children"
            self.inside = pathlib.Path(children).read_text().split()[0]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.holder:
            self.holder.stdin.close()
            try:
                self.holder.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.holder.kill()
                self.holder.wait()
            self.holder.stdout.close()
            self.holder = None
        shutil.rmtree(self.folder)

    def command(self, *arguments, network=False):
        """What runs these arguments in the root. Its network is its own and has nothing but the loopback address, so that
        the configuration as shipped disturbs nobody; `network` is for what has to fetch something."""
        spaces = ["--mount", "--pid"] + ([] if network else ["--net"])
        return ["nsenter", "--target", self.inside, *spaces, "chroot", str(self.path),
                "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
                *map(str, arguments)]

    def run(self, *arguments, status=0, network=False, **options):
        done = subprocess.run(
            self.command(*arguments, network=network), capture_output=True, text=True, timeout=COMMAND_SECONDS,
            stdin=subprocess.DEVNULL, **options,
        )
        assert status is None or done.returncode == status, (
            f"{' '.join(map(str, arguments))} ended with status {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def file(self, path):
        """A path of the root, seen from outside."""
        return self.path / str(path).lstrip("/")

    def names(self, database, name):
        """Its entry in the root's users (`passwd`) or groups (`group`), as fields; None if there is none."""
        found = self.run("getent", database, name, status=None)
        return found.stdout.strip().split(":") if found.returncode == 0 else None

    def install(self, package, *options):
        shutil.copy(package, self.file("/tmp/visor.deb"))
        return self.run("apt-get", "-q", "-y", "-o", "Dpkg::Use-Pty=0", "-o", "Dpkg::Options::=--force-unsafe-io", *options,
                        "install", "--no-install-recommends", "--reinstall", "/tmp/visor.deb", network=True)

    def forget_data(self):
        """Empties the data folder."""
        if self.file(STATE).exists():
            self.run("find", STATE, "-mindepth", "1", "-delete")

    def service(self):
        return Service(self)


class Unit:
    """The directives of a unit file."""

    def __init__(self, path):
        self.directives = {}
        for line in path.read_text().splitlines():
            name, assigned, value = line.partition("=")
            if assigned and not line.startswith("#"):
                self.directives.setdefault(name, []).append(value)

    def get(self, name):
        return self.directives[name][-1]

    def all(self, name):
        return self.directives[name]


class Service:
    """visord, run as its unit says: user, rights, environment, limits. Its system calls are recorded in `calls`."""

    READY = re.compile(r"listening on (http://\S+)")

    def __init__(self, root):
        self.root = root
        self.unit = Unit(root.file("/lib/systemd/system/visor.service"))
        self.calls = root.folder / "calls"
        self.process = None
        self.log = []
        self.output = []
        self.address = None

    def start(self, environment=None):
        unit = self.unit
        # Who may not raise limits tests with what there is.
        limit = min(int(unit.get("LimitNOFILE")), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        command = self.root.command(
            "sh", "-c", f'umask {unit.get("UMask")} && cd {unit.get("WorkingDirectory")} && exec "$@"', "sh",
            "env", f"STATE_DIRECTORY=/var/lib/{unit.get('StateDirectory')}",
            *(f"{name}={value}" for name, value in (environment or {}).items()),
            "prlimit", f"--nofile={limit}:{limit}", f"--core={unit.get('LimitCORE')}", "--",
            "setpriv", f"--reuid={unit.get('User')}", f"--regid={unit.get('Group')}", "--init-groups", "--no-new-privs",
            "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", unit.get("ExecStart"),
        )
        self.log, self.output = [], []
        self.process = subprocess.Popen(
            ["strace", "-f", "-qq", "-s", "64", "-e", "signal=none", "-o", str(self.calls), *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        ready = threading.Event()

        def read_log():
            for line in self.process.stderr:
                self.log.append(line)
                if match := self.READY.search(line):
                    self.address = match.group(1)
                    ready.set()
            ready.set()

        self.readers = [threading.Thread(target=read_log),
                        threading.Thread(target=lambda: self.output.extend(self.process.stdout))]
        self.address = None
        for reader in self.readers:
            reader.start()
        ready.wait(START_SECONDS)
        if not self.address:
            self.kill()
            raise AssertionError(f"visord did not come up:\n{''.join(self.log)}")

    def signal(self, name):
        pid = self.root.file(f"{STATE}/visord.pid").read_text().strip()
        self.root.run("sh", "-c", f"kill -{name} {pid}")

    def stop(self):
        """Its exit status; None if it does not run."""
        if not self.process:
            return None
        self.signal("TERM")
        try:
            return self.finish()
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self):
        self.process.kill()
        self.finish()

    def finish(self):
        status = self.process.wait(STOP_SECONDS)
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        self.process = None
        return status

    def first_administrator(self):
        """Access key and secret, as an operator reads them."""
        text = self.root.run("cat", f"{STATE}/first-administrator").stdout
        return tuple(re.search(rf"^ +{what} key +(\S+)$", text, re.MULTILINE).group(1)
                     for what in ("access", "secret"))

    def visor(self, *arguments, status=0, administrator=None):
        key, secret = administrator or self.first_administrator()
        return self.root.run("env", f"VISOR_ACCESS_KEY={key}", f"VISOR_SECRET_KEY={secret}", "visor", *arguments,
                             status=status)
