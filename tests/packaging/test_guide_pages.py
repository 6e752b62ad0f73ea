"""The pages of the guide about the package, followed word by word: installed, configured, upgraded and removed."""

import pathlib
import re
import shutil
import subprocess

import pytest

from booted_root import BootedRoot, why_unbootable
from guide_page import BOOTED, Page, script

pytestmark = pytest.mark.long

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "guide"
PAGE_SECONDS = 600
READER = "/home/reader"
# The secret is made in there, so … in a page stands for a variable, which the page sets in a remark of its own.
SECRET = "$secret"
# What a reader types where a secret is asked for.
TYPED = "a-secret-that-was-typed-by-hand\n"


def later_version(package, version, folder):
    """The same package as that version, with a new remark in its configuration."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.MULTILINE))
    configuration = tree / "etc" / "visor" / "visor-config.yml"
    configuration.write_text(configuration.read_text() + "# A setting of a later version.\n")
    made = folder / re.sub(r"_[^_]+_", f"_{version}_", package.name)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, made], check=True, capture_output=True)
    return made


@pytest.fixture(scope="module")
def booted(package, tmp_path_factory):
    """A Debian without VISOR, and a user in it who may use sudo and has the packages that the pages name. Who is not root
    asks systemd over dbus."""
    if reason := why_unbootable():
        pytest.skip(reason)
    with BootedRoot(package, also=["sudo", "dbus"], installed=False) as made:
        made.boot()
        made.run("useradd", "--create-home", "--home-dir", READER, "--groups", "sudo,systemd-journal", "reader")
        made.run("chmod", "755", READER)
        made.run("sh", "-c", 'echo "127.0.0.1 $(hostname)" >>/etc/hosts')  # sudo looks it up
        made.file("/etc/sudoers.d/reader").write_text("reader ALL=(ALL:ALL) NOPASSWD: ALL\n")
        made.file(f"{READER}/build").mkdir()
        for place in ("", "build"):
            shutil.copy(package, made.file(f"{READER}/{place}"))
        shutil.copy(later_version(package, "0.2.0", tmp_path_factory.mktemp("later")), made.file(READER))
        yield made


@pytest.fixture
def machine(booted):
    """The booted root, with no trace of VISOR left by another page."""
    booted.run("apt-get", "-q", "-y", "purge", "visor", status=None)
    booted.run("systemctl", "reset-failed", status=None)  # systemd starts nothing more than five times in ten seconds
    booted.run("rm", "-rf", "/var/lib/visor", "/var/lib/visor.newer", "/etc/visor", "/backup")
    return booted


@pytest.mark.parametrize("name", BOOTED)
def test_every_command_of_a_page_works_where_systemd_runs(machine, name):
    machine.file(f"{READER}/page.sh").write_text(script(Page(GUIDE / name), SECRET), encoding="utf-8")
    typed = machine.folder / "typed"
    typed.write_text(TYPED * 100)
    # A file, not a pipe: what a page leaves running would hold a pipe open.
    printed = machine.folder / "printed"
    with open(typed, "rb") as given, open(printed, "wb") as output:
        followed = subprocess.run(
            machine.enter("env", f"--chdir={READER}", f"HOME={READER}", "runuser", "-u", "reader", "--", "bash", "page.sh"),
            stdin=given, stdout=output, stderr=subprocess.STDOUT, timeout=PAGE_SECONDS, check=False,
        )
    said = printed.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in said.splitlines() if line.startswith("@@ ")]
    assert followed.returncode == 0, f"failed at {lines[-1][3:] if lines else 'the start'}:\n{said}\n{machine.journal()}"
