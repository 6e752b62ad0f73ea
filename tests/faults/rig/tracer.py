"""System calls made to fail or to kill, by strace."""

import contextlib
import pathlib
import re
import subprocess

# What changes files or tells a client something. A kill at any other call leaves what a kill at the next of these leaves.
CALLS = (
    "pwrite64,pwritev,pwritev2,write,writev,fdatasync,fsync,sync_file_range,linkat,link,unlinkat,unlink,ftruncate,fallocate,"
    "mkdir,mkdirat,rename,renameat,renameat2,openat,openat2,sendmsg,sendto,sendfile,copy_file_range,io_uring_enter"
)


def launched(inject):
    """For Server.wrap: visord under strace from its first call on."""
    # Without --seccomp-bpf, with which strace 6.1 delivers no signal.
    call = inject.split(":")[0]
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={inject}"]


def recording(path):
    """For Server.wrap: writes every call in CALLS to a file."""
    return ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "0", "-o", str(path), "-e", f"trace={CALLS}"]


def threads(server, name):
    """The server's threads of a pool; "main" is the first one."""
    if name == "main":
        return [server.process.pid]
    found = []
    for folder in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            if (folder / "comm").read_text().strip() == name:
                found.append(int(folder.name))
    assert found, f"the server has no thread {name}"
    return found


@contextlib.contextmanager
def attached(server, name, *injects, log=None, record="/dev/null", paths=()):
    """Has faults happen in the threads of a pool ("all": in every thread) for as long as this lasts.

    With `paths` only calls on these files. The calls go to the file `record`. With `log`, nothing is injected, and all CALLS
    go to that file.
    """
    calls = CALLS if log else ",".join(inject.split(":")[0] for inject in injects)
    command = ["strace", "-o", str(log or record), "-e", f"trace={calls}"]
    if log:
        command += ["-y", "-s", "0"]
    for inject in injects:
        command += ["-e", f"inject={inject}"]
    for path in paths:
        command += ["-P", str(path)]
    # With -f strace takes all the threads of a process, without it the ones that are named.
    tids = threads(server, "main" if name == "all" else name)
    command += ["-f"] if name == "all" else []
    for tid in tids:
        command += ["-p", str(tid)]
    tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        for _ in tids:
            line = tracer.stderr.readline()
            assert "attached" in line, f"strace can't attach to the server: {line.strip()}"
        yield
    finally:
        tracer.terminate()
        tracer.communicate(timeout=60)


# A thread's number stands before its calls if there are several.
LINE = re.compile(r"^(\d+)? *(\w+)\((.*)$")


def ordinals(log, data):
    """{thread: {call: [n, ...]}}: which of a thread's calls concern the data folder or a client, counted from 1 as strace does."""
    counts, found = {}, {}
    for line in pathlib.Path(log).read_text(errors="replace").splitlines():
        match = LINE.match(line)
        if not match:
            continue
        thread, call, rest = match.groups()
        counts[thread, call] = number = counts.get((thread, call), 0) + 1
        if str(data) in rest or "<socket:" in rest or "<TCP" in rest:
            found.setdefault(thread, {}).setdefault(call, []).append(number)
    return found


def usable():
    """None, or why strace can't be used here."""
    try:
        tried = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        return "strace is not installed"
    return None if tried.returncode == 0 else f"strace does not work here: {tried.stderr.strip()[-200:]}"
