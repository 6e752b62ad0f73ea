"""The Debian package, from installation to purge."""

import hashlib
import os
import re
import shutil
import stat
import subprocess

import pytest

from clean_root import STATE, Unit

pytestmark = pytest.mark.long

CONFIGURATION = "/etc/visor/visor-config.yml"
UNIT = "/lib/systemd/system/visor.service"
MOST_EXPOSED = 3.0
CALL = re.compile(r"^\d+ +([a-z_0-9]+)\(")


def permissions(root, path):
    found = root.file(path).stat()
    return found.st_uid, found.st_gid, oct(stat.S_IMODE(found.st_mode))


def visor_ids(root):
    return int(root.names("passwd", "visor")[2]), int(root.names("group", "visor")[2])


def members(name, known=None):
    """The system calls of a set of systemd's, and of the sets in it."""
    known = set() if known is None else known
    listed = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True).stdout
    for word in (line.strip() for line in listed.splitlines()[1:]):
        if word.startswith("@"):
            members(word, known)
        elif word and not word.startswith("#"):
            known.add(word)
    return known


def allowed_calls(unit):
    allowed = set()
    for line in unit.all("SystemCallFilter"):
        listed = set()
        for name in line.removeprefix("~").split():
            listed |= members(name) if name.startswith("@") else {name}
        allowed = allowed - listed if line.startswith("~") else allowed | listed
    return allowed


def calls_of_the_server(service):
    """Its system calls as strace wrote them, from the moment that the unit's program runs."""
    lines = service.calls.read_text(errors="replace").splitlines()
    begin = next(i for i, line in enumerate(lines) if f'execve("{service.unit.get("ExecStart")}"' in line)
    return lines[begin:]


def as_server_user(*arguments):
    """What `sudo -u visor` would run."""
    return ("setpriv", "--reuid=visor", "--regid=visor", "--init-groups", *arguments)


# --- what is installed ---


def test_files_belong_to_root_and_only_the_data_folder_to_the_servers_user(root):
    assert permissions(root, "/usr/bin/visord") == (0, 0, "0o755")
    assert permissions(root, "/usr/bin/visor") == (0, 0, "0o755")
    assert permissions(root, "/usr/libexec/visor/serve") == (0, 0, "0o755")
    assert permissions(root, UNIT) == (0, 0, "0o644")
    assert permissions(root, CONFIGURATION) == (0, 0, "0o644")
    assert permissions(root, STATE) == (*visor_ids(root), "0o700")


def test_the_servers_user_can_not_log_in(root):
    name, _, uid, _, _, home, shell = root.names("passwd", "visor")
    assert (name, home, shell) == ("visor", STATE, "/usr/sbin/nologin")
    assert 100 <= int(uid) < 1000


def test_the_programs_are_stripped_and_find_their_libraries(root):
    for program in ("/usr/bin/visord", "/usr/bin/visor"):
        assert b".symtab" not in root.file(program).read_bytes()
        assert "visor" in root.run(program, "--help").stdout
        linked = subprocess.run(["readelf", "-d", root.file(program)], check=True, capture_output=True, text=True).stdout
        assert "RUNPATH" not in linked and "RPATH" not in linked


def test_the_library_that_no_program_shows_as_its_own_is_a_dependency(root):
    linked = subprocess.run(["readelf", "-d", root.file("/usr/bin/visord")], check=True, capture_output=True, text=True).stdout
    assert "libssl" in linked and "libcurl" not in linked
    assert re.search(r"(^|, )libcurl4 \(>= 7\.85\.0\)(,|$)", root.run("dpkg-query", "-W", "-f", "${Depends}", "visor").stdout)


def test_the_configuration_is_a_conffile_that_the_server_takes(root):
    listed = root.run("dpkg-query", "-W", "-f", "${Conffiles}", "visor").stdout
    assert CONFIGURATION in listed
    assert root.run("visord", "--config", CONFIGURATION, "--check-config").stdout == "The configuration is in order.\n"
    assert f"\ndata: {STATE}\n" in root.file(CONFIGURATION).read_text()


def test_the_manual_pages_tell_every_option_and_every_setting(root, tmp_path):
    pages = {}
    for page in ("man8/visord.8", "man1/visor.1", "man5/visor-config.yml.5"):
        # Minimal systems leave manuals out when they unpack a package, so this one is taken from the package itself.
        unpacked = tmp_path / "unpacked"
        if not unpacked.exists():
            subprocess.run(["dpkg-deb", "-x", root.file("/tmp/visor.deb"), unpacked], check=True)
        shown = subprocess.run(
            ["man", "--warnings", "-l", unpacked / f"usr/share/man/{page}.gz"], check=True, capture_output=True, text=True,
            env={**os.environ, "MANWIDTH": "1000", "LC_ALL": "C.UTF-8"},
        )
        assert shown.stderr == ""
        pages[page] = shown.stdout
    for option in re.findall(r"--[a-z][a-z-]*", root.run("visord", "--help").stdout):
        assert option in pages["man8/visord.8"]
    commands = re.findall(r"^  ([a-z]+) {2,}", root.run("visor", "--help").stdout.split("Subcommands:")[1].split("\n\n")[0],
                          re.MULTILINE)
    assert len(commands) > 8
    for command in commands:
        assert f"visor {command}" in pages["man1/visor.1"]
        for option in re.findall(r"^  .*?(--[a-z][a-z-]*)", root.run("visor", command, "--help").stdout, re.MULTILINE):
            assert option in pages["man1/visor.1"]
    # One space behind the # makes a remark, which may have a colon too.
    keys = re.findall(r"^(?!# \S)#? *(?:- )?([a-z_0-9]+):", root.file(CONFIGURATION).read_text(), re.MULTILINE)
    assert len(keys) > 30
    for key in keys:
        assert re.search(rf"^ +(\S+\.)?{key}\b", pages["man5/visor-config.yml.5"], re.MULTILINE), key


def test_the_shells_complete_its_commands(root):
    bash = root.run("bash", "-c", ". /usr/share/bash-completion/completions/visor && complete -p visor").stdout
    assert bash.endswith("visor\n")
    assert root.file("/usr/share/zsh/vendor-completions/_visor").read_text().startswith("#compdef visor")
    assert "complete -c visor" in root.file("/usr/share/fish/vendor_completions.d/visor.fish").read_text()


# --- the unit ---


def test_the_unit_exposes_little(root):
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", root.file(UNIT)], capture_output=True, text=True)
    exposure = float(re.search(r"Overall exposure level for visor.service: ([0-9.]+)", judged.stdout).group(1))
    assert exposure < MOST_EXPOSED


def test_the_unit_is_one_that_systemd_understands_and_enabled(root):
    verified = subprocess.run(
        ["systemd-analyze", "verify", f"--root={root.path}", "--man=no", "--recursive-errors=no", "visor.service"],
        capture_output=True, text=True)
    complaints = [line for line in verified.stderr.splitlines() if "visor" in line]
    assert complaints == []
    link = root.file("/etc/systemd/system/multi-user.target.wants/visor.service")
    assert os.readlink(link) == UNIT


def test_systemd_waits_longer_than_transfers_may_take_when_the_server_stops(root):
    deadline = re.search(r"^#?shutdown_deadline: (\d+)s$", root.file(CONFIGURATION).read_text(), re.MULTILINE)
    assert int(Unit(root.file(UNIT)).get("TimeoutStopSec")) > int(deadline.group(1))


# --- the server ---


def test_an_image_goes_through_its_life_under_the_units_rights(root, service):
    assert service.address == "http://127.0.0.1:4568"
    data = os.urandom(5_000_000)
    root.file("/tmp/image.raw").write_bytes(data)
    image = service.visor("add", "name=first", "architecture=x86_64", "-f", "/tmp/image.raw", "--quiet").stdout.strip()
    assert image in service.visor("brief").stdout
    root.file("/tmp/got").mkdir()
    service.visor("get", image, "-S", "/tmp/got")
    (fetched,) = root.file("/tmp/got").iterdir()
    assert hashlib.sha256(fetched.read_bytes()).digest() == hashlib.sha256(data).digest()
    service.visor("delete", image)
    assert service.visor("head", image, status=3).stdout == ""
    shutil.rmtree(root.file("/tmp/got"))
    # Nobody is there, but to find that out the server loads what it asks with.
    unreachable = service.visor("add", "name=away", "architecture=x86_64", "store=http", "location=http://93.184.216.34/image.raw", status=None)
    assert "could not be reached" in unreachable.stderr

    # The filter of the unit would have failed any other call.
    service.signal("HUP")
    assert service.stop() == 0
    allowed = allowed_calls(service.unit)
    lines = calls_of_the_server(service)
    called = {match.group(1) for match in map(CALL.match, lines) if match}
    assert {"sendfile", "fdatasync", "accept4"} & called, "the recording looks empty"
    assert any("/libcurl.so.4" in line for line in lines), "the library for outbound requests was loaded"
    assert called - allowed == set()
    assert [line for line in lines if "PROT_WRITE|PROT_EXEC" in line] == []
    families = {match.group(1) for match in (re.search(r" socket\((AF_[A-Z0-9]+)", line) for line in lines) if match}
    assert families <= set(service.unit.get("RestrictAddressFamilies").split())


def test_the_first_administrators_secret_reaches_a_private_file_and_never_the_journal(root, service):
    _, secret = service.first_administrator()
    assert permissions(root, f"{STATE}/first-administrator") == (*visor_ids(root), "0o600")
    service.stop()
    assert len(secret) >= 20
    assert secret not in "".join(service.log)
    assert "secret key" not in "".join(service.log)
    assert service.output == []


def test_a_restart_tells_no_secret_again_and_keeps_the_images(root, service):
    root.file("/tmp/image.raw").write_bytes(b"bytes of an image")
    image = service.visor("add", "name=kept", "architecture=x86_64", "-f", "/tmp/image.raw", "--quiet").stdout.strip()
    told = root.file(f"{STATE}/first-administrator").read_text()
    assert service.stop() == 0
    service.start()
    assert root.file(f"{STATE}/first-administrator").read_text() == told
    assert image in service.visor("brief").stdout


def test_nobody_but_the_servers_user_may_look_into_its_data(root, service):
    uid, gid = visor_ids(root)
    for path in [root.file(STATE), *root.file(STATE).rglob("*")]:
        found = path.lstat()
        assert (found.st_uid, found.st_gid) == (uid, gid), path
        assert stat.S_IMODE(found.st_mode) & 0o077 == 0, path
    looked = root.run("setpriv", "--reuid=nobody", "--clear-groups", "ls", STATE, status=2)
    assert "Permission denied" in looked.stderr


def test_a_mistake_in_the_configuration_ends_with_the_status_that_is_not_tried_again(expendable):
    expendable.file(CONFIGURATION).write_text("data: /var/lib/visor\nlisteners: nowhere\n")
    unit = Unit(expendable.file(UNIT))
    ended = expendable.run(*as_server_user(unit.get("ExecStart")), status=None)
    assert str(ended.returncode) == unit.get("RestartPreventExitStatus")
    assert "listeners" in ended.stderr


def test_a_lost_secret_is_replaced_as_the_guide_says(root, service):
    key, _ = service.first_administrator()
    service.stop()
    secret = "a-new-secret-of-thirty-characters"
    service.start(environment={"VISOR_ROOT_ACCESS_KEY": key, "VISOR_ROOT_SECRET_KEY": secret})
    service.stop()
    service.start()
    root.run("env", f"VISOR_ACCESS_KEY={key}", f"VISOR_SECRET_KEY={secret}", "visor", "brief")
    assert secret not in "".join(service.log)


def test_a_backup_is_made_while_it_serves_and_put_back_as_the_guide_says(root, service):
    root.file("/tmp/image.raw").write_bytes(b"bytes of an image")
    image = service.visor("add", "name=kept", "architecture=x86_64", "-f", "/tmp/image.raw", "--quiet").stdout.strip()
    administrator = service.first_administrator()
    root.run("install", "-d", "-m", "0700", "-o", "visor", "-g", "visor", "/backup")
    try:
        root.run(*as_server_user("visor", "server", "backup", "--config", CONFIGURATION, "--to", "/backup/visor"))
        service.stop()
        root.run("mv", STATE, STATE + ".newer")
        root.run("install", "-d", "-m", "0700", "-o", "visor", "-g", "visor", STATE)
        root.run(*as_server_user("visord", "--config", CONFIGURATION, "--restore", "/backup/visor"))
        service.start()
        assert image in service.visor("brief", administrator=administrator).stdout
    finally:
        root.run("rm", "-rf", "/backup", STATE + ".newer")


# --- upgrade and removal ---


def newer(package, folder):
    """The same package as a later version, whose configuration has a new default."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: .*$", "Version: 99.0", control.read_text(), flags=re.MULTILINE))
    configuration = tree / CONFIGURATION.lstrip("/")
    configuration.write_text(configuration.read_text() + "# A setting of a later version.\n")
    made = folder / "visor_99.0.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, made], check=True, capture_output=True)
    return made


def test_an_upgrade_keeps_images_and_what_the_operator_configured(expendable, package, tmp_path):
    configuration = expendable.file(CONFIGURATION)
    configuration.write_text(configuration.read_text().replace("#shutdown_deadline: 30s", "shutdown_deadline: 5s"))
    written = configuration.read_text()
    service = expendable.service()
    service.start()
    try:
        expendable.file("/tmp/image.raw").write_bytes(b"bytes of an image")
        image = service.visor("add", "name=old", "architecture=x86_64", "-f", "/tmp/image.raw", "--quiet").stdout.strip()
        service.stop()
        expendable.install(newer(package, tmp_path), "-o", "Dpkg::Options::=--force-confold")
        assert "99.0" in expendable.run("dpkg-query", "-W", "visor").stdout
        assert configuration.read_text() == written
        assert "A setting of a later version" in expendable.file(CONFIGURATION + ".dpkg-dist").read_text()
        assert permissions(expendable, STATE) == (*visor_ids(expendable), "0o700")
        service.start()
        assert image in service.visor("brief").stdout
    finally:
        service.stop()


def leftovers(root):
    found = root.run("find", "/", "-xdev", "-name", "*visor*", "-not", "-path", "/proc/*", "-not", "-path", "/tmp/*",
                     "-not", "-path", f"{STATE}/*").stdout
    return sorted(found.split())


def test_removal_leaves_configuration_and_data(expendable):
    expendable.file(f"{STATE}/catalogue.db").write_bytes(b"precious")
    expendable.run("apt-get", "-y", "remove", "visor")
    assert not expendable.file("/usr/bin/visord").exists()
    assert not expendable.file(UNIT).exists()
    assert expendable.file(CONFIGURATION).exists()
    assert expendable.file(f"{STATE}/catalogue.db").read_bytes() == b"precious"


def test_purging_leaves_nothing_but_data_and_whose_it_is(expendable):
    expendable.file(f"{STATE}/catalogue.db").write_bytes(b"precious")
    purged = expendable.run("apt-get", "-y", "purge", "visor")
    assert leftovers(expendable) == [STATE]
    assert expendable.file(f"{STATE}/catalogue.db").read_bytes() == b"precious"
    assert expendable.names("passwd", "visor")
    assert f"stay in {STATE}" in purged.stdout + purged.stderr


def test_purging_without_data_leaves_nothing(expendable):
    expendable.run("apt-get", "-y", "purge", "visor")
    assert leftovers(expendable) == []
    assert expendable.names("passwd", "visor") is None
    assert expendable.names("group", "visor") is None
