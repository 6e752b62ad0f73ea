"""The place where pages are run: the whole system, copy on write, in namespaces of its own."""

import os
import pathlib
import signal
import subprocess
import tempfile

SECRET = "the-secret-of-the-guide-1"

# Runs as the first process of the namespaces. $1: an empty folder to mount on, $2: the folder of visord and visor,
# $3: the project, $4: the page's script.
BEGIN = r"""
set -eu
mount -t tmpfs -o size=4g none "$1"
mkdir "$1/changes" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" "$1/root"
root=$1/root
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs none "$root/tmp"
mount -t tmpfs none "$root/run"
ip link set lo up
install -m 755 "$2/visord" "$2/visor" "$root/usr/bin/"
for name in images.example.org lab.example.org; do echo "127.0.0.1 $name" >>"$root/etc/hosts"; done
chroot "$root" sh -c 'id visor || useradd --system --home-dir /var/lib/visor --shell /usr/sbin/nologin visor' >/dev/null 2>&1
rm -rf "$root/home/reader" "$root/etc/visor" "$root/var/lib/visor"
install -d "$root/home/reader"
cp "$4" "$root/tmp/page.sh"
yes "$5" 2>/dev/null | head -n 100 >"$root/tmp/answers"
exec chroot "$root" env -i HOME=/home/reader PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LANG=C.UTF-8 \
  PROJECT="$3" VISOR_ROOT_ACCESS_KEY=admin VISOR_ROOT_SECRET_KEY="$5" \
  bash -c 'cd /home/reader && exec bash /tmp/page.sh' <"$root/tmp/answers"
"""

NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private"]


def missing() -> str:
    """Why no sandbox can be made here; empty if one can."""
    if os.geteuid() != 0:
        return "the sandbox of the guide needs root"
    with tempfile.TemporaryDirectory() as folder:
        probe = f"mount -t tmpfs none {folder} && cd {folder} && mkdir u w r && mount -t overlay overlay -o lowerdir=/,upperdir=u,workdir=w r"
        made = subprocess.run([*NAMESPACES, "sh", "-c", probe], capture_output=True, text=True, check=False)
    return "" if made.returncode == 0 else "no namespaces or no overlayfs here: " + made.stderr.strip()


def run(script: str, binaries: pathlib.Path, project: pathlib.Path, timeout: float) -> tuple[int, str]:
    """The exit status and all that was printed. What runs longer than `timeout` (seconds) is ended with all it began."""
    with tempfile.TemporaryDirectory(prefix="guide-") as folder:
        place = pathlib.Path(folder)
        (place / "page.sh").write_text(script, encoding="utf-8")
        (place / "mount").mkdir()
        arguments = [str(place / "mount"), str(binaries), str(project), str(place / "page.sh"), SECRET]
        # A file, not a pipe: servers that a page leaves running would hold a pipe open.
        with open(place / "output", "w+", encoding="utf-8", errors="replace") as output:
            process = subprocess.Popen(
                [*NAMESPACES, "bash", "-c", BEGIN, "sandbox", *arguments],
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )
            try:
                status = process.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                status = -signal.SIGKILL
            output.seek(0)
            return status, output.read()
