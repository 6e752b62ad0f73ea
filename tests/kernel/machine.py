"""A virtual machine with Debian's own kernel, in which the server and its clients run."""

import base64
import pathlib
import shutil
import socket
import subprocess
import tempfile
import textwrap

HERE = pathlib.Path(__file__).resolve().parent
MAKE_SECONDS = 600
BOOT_SECONDS = 180
COMMAND_SECONDS = 180
STOP_SECONDS = 30


class Unavailable(Exception):
    """The machine can't be had here; the text says why."""


class Machine:
    """Used as a context manager. Its only way out is the serial line on which `run` talks to guest/init."""

    def __init__(self, binaries):
        self.binaries = binaries
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="visor-kernel-"))
        self.process = None
        self.link = None
        self.answers = None

    def __enter__(self):
        try:
            self._boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _boot(self):
        for tool in ("qemu-system-x86_64", "cpio", "curl", "openssl"):
            if not shutil.which(tool):
                raise Unavailable(f"{tool} is not installed")
        made = subprocess.run([HERE / "make_guest", self.binaries, self.folder], capture_output=True, text=True, timeout=MAKE_SECONDS)
        if made.returncode == 3:
            raise Unavailable(made.stderr.strip())
        assert made.returncode == 0, f"the machine could not be made:\n{made.stderr}"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(self.folder / "line"))
            listening.listen(1)
            listening.settimeout(BOOT_SECONDS)
            # An imitated processor is slow, but there everywhere: KVM inside of another virtual machine may be offered and not work.
            self.process = subprocess.Popen(
                ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "768", "-nodefaults",
                 "-display", "none", "-no-reboot", "-kernel", str(self.folder / "vmlinuz"), "-initrd", str(self.folder / "initrd"),
                 "-append", "console=ttyS0 quiet panic=-1", "-serial", f"file:{self.folder}/console",
                 "-chardev", f"socket,id=line,path={self.folder}/line", "-serial", "chardev:line"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(self.folder / "qemu").open("wb"),
            )
            self.link = listening.accept()[0]
        self.answers = self.link.makefile("r", encoding="ascii", newline="\n")
        assert self._answer(BOOT_SECONDS) == "ready", f"the machine did not come up:\n{self.told()}"

    def __exit__(self, *_):
        if self.answers:
            self.answers.close()
            self.link.close()
        if self.process:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
        shutil.rmtree(self.folder)

    def _answer(self, seconds):
        self.link.settimeout(seconds)
        try:
            return self.answers.readline().strip()
        except TimeoutError:
            raise AssertionError(f"the machine said nothing for {seconds} s:\n{self.told()}") from None

    def told(self):
        """What its kernel and qemu had to say."""
        return "".join((self.folder / name).read_text(errors="replace") for name in ("console", "qemu") if (self.folder / name).exists())

    def run(self, script, status=0, seconds=COMMAND_SECONDS):
        """What a shell script prints there; fails if it ends with another status (None: with whatever it likes)."""
        self.link.sendall(base64.b64encode(textwrap.dedent(script).encode()) + b"\n")
        ended, _, printed = self._answer(seconds).partition(" ")
        text = base64.b64decode(printed).decode(errors="replace")
        assert status is None or int(ended) == status, f"{script}\nended with status {ended}:\n{text}\n{self.told()}"
        return text.strip()
