"""A Debian 12 with its own systemd as process 1, in namespaces and a control group of its own."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from clean_root import COMMAND_SECONDS, MAKE_SECONDS, RETRIES, why_impossible

BOOT_SECONDS = 240

# Runs with the root as its argument: the file systems that a container manager would give, then systemd.
BOOT = r"""
set -e
root=$1 group=$2
mount --make-rprivate /
mkdir -p "$root.cgroup"
mount -t cgroup2 cgroup2 "$root.cgroup"
mkdir "$root.cgroup/$group"
echo $$ > "$root.cgroup/$group/cgroup.procs"
exec unshare --pid --net --uts --ipc --cgroup --mount --fork --kill-child sh -c '
  set -e
  root=$1
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs tmpfs "$root/dev"
  for device in null zero full random urandom tty; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  ln -s /proc/self/fd "$root/dev/fd"
  mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  mount -t tmpfs tmpfs "$root/dev/shm"
  mount -t tmpfs tmpfs "$root/run"
  ip link set lo up
  cd "$root"
  mkdir -p old
  pivot_root . old
  umount -l /old
  exec env -i container=visor-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --log-target=journal
' sh "$root"
"""

# Takes away the control groups that a systemd made, once nobody is in them.
FORGET = r"""
mount -t cgroup2 cgroup2 "$1" && { [ ! -d "$1/$2" ] || find "$1/$2" -depth -type d -exec rmdir {} \; ; }
"""


def why_unbootable():
    """A sentence if no systemd can be booted here, else None."""
    if reason := why_impossible():
        return reason
    tried = subprocess.run(
        ["unshare", "--mount", "--cgroup", "sh", "-c", 'mount -t cgroup2 cgroup2 /mnt && mkdir /mnt/"$0" && rmdir /mnt/"$0"',
         f"visor-try-{os.getpid()}"],
        capture_output=True, text=True)
    if tried.returncode:
        return f"this machine gives no control groups for a systemd of the test's own: {tried.stderr.strip()}"
    return None


class BootedRoot:
    """Used as a context manager. Everything in it ends when this process does."""

    def __init__(self, package, also=(), installed=True):
        """`also`: Debian packages that the root has besides. Not `installed`: all that the package depends on is there,
        and it is not."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="visor-booted-"))
        self.path = self.folder / "root"
        self.group = f"visor-test-{os.getpid()}-{self.folder.name}"
        self.package = package
        self.also = also
        self.installed = installed
        self.holder = None
        self.first = None

    def __enter__(self):
        try:
            # The package is installed before the boot, and systemd starts it as at any boot.
            hooks = [f"copy-in {self.package} /tmp",
                     f'chroot "$1" apt-get -q -y install --no-install-recommends /tmp/{pathlib.Path(self.package).name}']
            if not self.installed:
                hooks.append('chroot "$1" dpkg --purge visor')
            made = subprocess.run(
                ["mmdebstrap", "--quiet", "--variant=minbase", f"--aptopt={RETRIES}", f"--include={','.join(['systemd,systemd-sysv,adduser', *self.also])}",
                 *(f"--customize-hook={hook}" for hook in hooks), "bookworm", str(self.path)],
                capture_output=True, text=True, timeout=MAKE_SECONDS,
            )
            assert made.returncode == 0, f"no root could be made (is the network up?):\n{made.stderr[-3000:]}"
        except BaseException:
            shutil.rmtree(self.folder)
            raise
        return self

    def boot(self):
        try:
            self.holder = subprocess.Popen(
                ["unshare", "--mount", "--fork", "--kill-child", "sh", "-c", BOOT, "sh", str(self.path), self.group],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.folder / "boot", "wb"),
            )
            deadline = time.monotonic() + BOOT_SECONDS
            while not self._find_first():
                assert self.holder.poll() is None and time.monotonic() < deadline, (self.folder / "boot").read_text()
                time.sleep(0.05)
            while True:
                state = self.run("systemctl", "is-system-running", status=None).stdout.strip()
                if state in ("running", "degraded"):
                    return self
                assert time.monotonic() < deadline, f"the system is still {state}: {self.run('systemctl', 'list-jobs').stdout}"
                time.sleep(0.1)
        except BaseException:
            self.__exit__()
            raise

    def _find_first(self):
        """The process that is number 1 in there, once it is systemd."""
        found = [str(self.holder.pid)]
        while found:
            number = found.pop()
            try:
                if pathlib.Path(f"/proc/{number}/comm").read_text() == "systemd\n":
                    self.first = number
                    return True
                for thread in pathlib.Path(f"/proc/{number}/task").iterdir():
                    found += (thread / "children").read_text().split()
            except (FileNotFoundError, ProcessLookupError):
                pass
        return False

    def __exit__(self, *_):
        if self.holder:
            self.holder.kill()
            self.holder.wait()
            self.holder = None
        if self.first:
            try:
                os.kill(int(self.first), 9)
            except ProcessLookupError:
                pass
            deadline = time.monotonic() + BOOT_SECONDS
            while pathlib.Path(f"/proc/{self.first}").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
        if self.folder.exists():
            place = self.folder / "root.cgroup"
            place.mkdir(exist_ok=True)
            subprocess.run(["unshare", "--mount", "sh", "-c", FORGET, "sh", str(place), self.group], check=False,
                           capture_output=True)
            shutil.rmtree(self.folder)

    def enter(self, *arguments, network_only=False):
        """The command that runs these arguments in there, or only in its network."""
        spaces = ["--net"] if network_only else ["--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--root", "--wd"]
        environment = [] if network_only else ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"]
        return ["nsenter", "--target", self.first, *spaces, *environment, *map(str, arguments)]

    def run(self, *arguments, status=0, environment=()):
        done = subprocess.run(
            self.enter(*(["env", *environment] if environment else []), *arguments), capture_output=True, text=True,
            timeout=COMMAND_SECONDS, stdin=subprocess.DEVNULL,
        )
        assert status is None or done.returncode == status, (
            f"{' '.join(map(str, arguments))} ended with status {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.journal()}")
        return done

    def journal(self):
        found = subprocess.run(self.enter("journalctl", "-u", "visor", "-o", "cat", "--no-pager"), capture_output=True, text=True)
        return found.stdout

    def show(self, unit, name):
        return self.run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()

    def file(self, path):
        """A path of the root, seen from outside; not what it has mounted."""
        return self.path / str(path).lstrip("/")
