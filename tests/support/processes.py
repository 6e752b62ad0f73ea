"""Processes that end with the one that started them, whatever becomes of it."""

import contextlib
import ctypes
import json
import os
import pathlib
import queue
import signal
import socket
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1
START_SECONDS = 240

_libc = ctypes.CDLL(None, use_errno=True)


def _dies_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_ports(count):
    """Free at this moment; who loses one to another process tries again with others."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Process:
    """A program that prints lines on standard output; what it says on standard error goes to `log`."""

    def __init__(self, command, log, cwd=None, environment=None):
        self.command = [str(word) for word in command]
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as errors:
            # Started by the thread that lives as long as the rig: the signal at the parent's death goes by threads.
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=cwd,
                env=environment, start_new_session=True, preexec_fn=_dies_with_parent, text=True,
            )
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def line(self, seconds=START_SECONDS):
        """The next line, or None at the program's end."""
        try:
            return self._lines.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError(f"{self.command[0]} said nothing for {seconds} s; its log: {self.complaint()}") from None

    def answer(self, seconds=START_SECONDS):
        line = self.line(seconds)
        if line is None:
            raise RuntimeError(f"{self.command[0]} ended with status {self.process.wait()}: {self.complaint()}")
        return json.loads(line)

    def order(self, text, seconds=START_SECONDS):
        """Says a line to the program, and gives back what it answers."""
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        answer = self.answer(seconds)
        if "error" in answer:
            raise RuntimeError(f"'{text}' failed: {answer['error']}")
        return answer

    def complaint(self):
        return self.log.read_text("utf-8", "replace")[-2000:]

    def kill(self):
        """As a crash would."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self._reader.join()
        # What it was told last may still be underway to it.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
