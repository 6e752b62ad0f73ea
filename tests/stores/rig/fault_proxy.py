"""An HTTP/1.1 proxy that breaks what a test tells it to break: counted in requests and bytes, never in time.

    with FaultProxy(("127.0.0.1", port)) as proxy:
        proxy.on("PUT", r"partNumber=2&", reset_request(after=1 << 20))
        proxy.on("GET", r"/images/", refuse_with(503), nth=2, times=3)

Each rule counts the requests that fit it from the moment it was made, repeated ones too. Requests are passed on as they
came, Host included, so that signatures stay valid.
"""

import contextlib
import dataclasses
import re
import socket
import struct
import threading
import time

PIECE = 64 * 1024
ALWAYS = 1 << 60
WRONG_TAG = '"0123456789abcdef0123456789abcdef"'
BUSY = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>of a test</Message></Error>"


class Broken(Exception):
    """A connection of the two has ended, or has to."""


class Gate:
    """Where a stalled request stands until the test lets it go on."""

    def __init__(self):
        self.reached, self._opened = threading.Event(), threading.Event()

    def release(self):
        self._opened.set()

    def pass_through(self):
        self.reached.set()
        self._opened.wait()


@dataclasses.dataclass
class Fault:
    """What happens to one request. Bytes are those of the body; 0 is before the first of them."""

    status: int | None = None  # answered by the proxy; the server never sees it
    request_after: int | None = None  # where the request breaks or stalls
    answer_after: int | None = None  # where the answer does
    orderly: bool = False  # ends with FIN, as if that had been all
    gate: Gate | None = None  # stalls there instead of breaking
    lost: bool = False  # the server has done it, and nobody learns so
    held: bool = False  # the same, but only until the gate opens
    fields: dict = dataclasses.field(default_factory=dict)  # of the answer, exchanged
    pause: float = 0.0  # before each piece, both ways


def refuse_with(status):
    return Fault(status=status)


def reset_request(after):
    return Fault(request_after=after)


def reset_answer(after):
    return Fault(answer_after=after)


def truncate(after):
    """The answer keeps its Content-Length, and ends before."""
    return Fault(answer_after=after, orderly=True)


def lose_answer():
    return Fault(lost=True)


def hold_answer(gate):
    """The server has done what was asked; its answer stands at the gate, head and all."""
    return Fault(gate=gate, held=True)


def wrong_tag(tag=WRONG_TAG):
    return Fault(fields={"etag": tag})


def stall_request(gate, after):
    return Fault(request_after=after, gate=gate)


def stall_answer(gate, after):
    return Fault(answer_after=after, gate=gate)


def slow(pause):
    return Fault(pause=pause)


@dataclasses.dataclass
class _Rule:
    method: str
    target: re.Pattern
    fault: Fault
    nth: int
    times: int
    seen: int = 0

    def takes(self, method, target):
        if method != self.method or not self.target.search(target):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


class _End:
    """One side of a connection: a socket and what was read of it ahead."""

    def __init__(self, connection):
        self.socket, self.ahead = connection, b""

    def read(self, most):
        if not self.ahead:
            try:
                self.ahead = self.socket.recv(PIECE)
            except OSError as failure:
                raise Broken from failure
        piece, self.ahead = self.ahead[:most], self.ahead[most:]
        return piece

    def read_until(self, mark):
        """All up to the mark, which is included; empty at the end of the connection."""
        found = b""
        while mark not in found:
            piece = self.read(PIECE)
            if not piece:
                if found:
                    raise Broken
                return b""
            found += piece
        text, mark, rest = found.partition(mark)
        self.ahead = rest + self.ahead
        return text + mark

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as failure:
            raise Broken from failure

    def end(self, reset):
        with contextlib.suppress(OSError):
            if reset:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class _Head:
    def __init__(self, text):
        first, *lines = text.decode("latin-1").rstrip("\r\n").split("\r\n")
        self.first = first
        self.fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def field(self, name):
        return next((value for known, value in self.fields if known.lower() == name), None)

    def drop(self, name):
        self.fields = [pair for pair in self.fields if pair[0].lower() != name]

    def exchange(self, fields):
        self.fields = [(name, fields.get(name.lower(), value)) for name, value in self.fields]

    def text(self):
        lines = [self.first, *(f"{name}: {value}" for name, value in self.fields), "", ""]
        return "\r\n".join(lines).encode("latin-1")

    def closes(self):
        return (self.field("connection") or "").lower() == "close"

    def chunked(self):
        return (self.field("transfer-encoding") or "").lower() == "chunked"

    def length(self):
        return int(self.field("content-length") or 0)


def pieces(end, head):
    """A message's body as it comes, chunks with their framing."""
    if head.chunked():
        while True:
            line = end.read_until(b"\r\n")
            size = int(line.split(b";")[0], 16)
            yield line
            yield from exactly(end, size + 2)
            if size == 0:
                return
    else:
        yield from exactly(end, head.length())


def exactly(end, left):
    while left > 0:
        piece = end.read(min(left, PIECE))
        if not piece:
            raise Broken
        left -= len(piece)
        yield piece


class FaultProxy:
    """Used as a context manager. `seen` has (method, target) of each request, in the order in which they came."""

    def __init__(self, target):
        self.target = target
        self.seen = []
        self._rules, self._gates, self._ends = [], [], set()
        self._lock = threading.Lock()
        self._refusing = True
        # Holds the port while nobody listens on it.
        self._place = self._bound(0)
        self.port = self._place.getsockname()[1]
        self._listener = None

    def __enter__(self):
        self.listen()
        return self

    def __exit__(self, *_):
        self.refuse()
        self.heal(listen=False)
        self._place.close()

    # --- what a test says ---

    def on(self, method, target, fault, nth=1, times=1):
        """The nth fitting request from now on meets the fault, and so do those behind it, `times` in all."""
        with self._lock:
            self._rules.append(_Rule(method, re.compile(target), fault, nth, times))
            if fault.gate:
                self._gates.append(fault.gate)

    def refuse(self):
        """Connections are refused, and those that are there are reset, until it heals."""
        listener, self._listener = self._listener, None
        with self._lock:
            self._refusing = True
        if listener:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()

    def cut(self):
        """Resets what is connected now; new connections are taken."""
        with self._lock:
            ends = list(self._ends)
        for end in ends:
            with contextlib.suppress(OSError):
                end.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.socket.shutdown(socket.SHUT_RDWR)

    def heal(self, listen=True):
        """No rule is left, nothing stalls, connections are taken."""
        with self._lock:
            gates, self._gates, self._rules = self._gates, [], []
        for gate in gates:
            gate.release()
        if listen:
            self.listen()

    def count(self, method, target):
        return sum(known == method and re.search(target, path) is not None for known, path in list(self.seen))

    # --- how it does it ---

    def _bound(self, port):
        place = socket.socket()
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(("127.0.0.1", port))
        return place

    def listen(self):
        if self._listener is None:
            with self._lock:
                self._refusing = False
            self._listener = self._bound(self.port)
            self._listener.listen(128)
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(_End(client),), daemon=True).start()

    def _serve(self, client):
        reset, server = True, None
        try:
            server = _End(socket.create_connection(self.target))
            for end in (client, server):
                end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                if self._refusing:  # it came just before
                    raise Broken
                self._ends |= {client, server}
            while self._exchange(client, server):
                pass
            reset = False
        except (Broken, OSError):
            pass
        finally:
            with self._lock:
                self._ends -= {client, server}
            for end in (client, server):
                if end:
                    end.end(reset)

    def _fault_for(self, method, target):
        with self._lock:
            self.seen.append((method, target))
            taken = [rule.fault for rule in self._rules if rule.takes(method, target)]
        return taken[0] if taken else Fault()

    def _exchange(self, client, server):
        """One request and its answer; whether another may follow."""
        text = client.read_until(b"\r\n\r\n")
        if not text:
            return False
        request = _Head(text)
        method, target, _ = request.first.split(" ", 2)
        fault = self._fault_for(method, target)
        if fault.status:
            return self._refuse_one(client, request, fault.status)
        if request.field("expect"):
            request.drop("expect")
            client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        server.send(request.text())
        if not self._pass(server, pieces(client, request), fault.request_after, fault):
            raise Broken
        answer = self._answer_of(server)
        answer.exchange(fault.fields)
        whole = method == "HEAD" or answer.first.split(" ")[1] in ("204", "304")
        body = iter(()) if whole else pieces(server, answer)
        if fault.lost:
            for _ in body:
                pass
            raise Broken
        if fault.held:
            fault.gate.pass_through()
        client.send(answer.text())
        if not self._pass(client, body, fault.answer_after, fault):
            if fault.orderly:
                return False
            raise Broken
        return not (request.closes() or answer.closes())

    def _answer_of(self, server):
        while True:
            text = server.read_until(b"\r\n\r\n")
            if not text:
                raise Broken
            answer = _Head(text)
            if not answer.first.split(" ")[1].startswith("1"):
                return answer

    def _pass(self, end, body, after, fault):
        """Passes a body on; False where the fault breaks it. A fault behind its end breaks it there."""
        left = after
        for piece in body:
            if fault.pause:
                time.sleep(fault.pause)
            if left is not None and len(piece) >= left:
                end.send(piece[:left])
                if not fault.gate:
                    return False
                fault.gate.pass_through()
                piece, left = piece[left:], None
            end.send(piece)
            left = None if left is None else left - len(piece)
        if left is not None and fault.gate:
            fault.gate.pass_through()
        return left is None or fault.gate is not None

    def _refuse_one(self, client, request, status):
        waits = request.field("expect") is not None
        if not waits:
            for _ in pieces(client, request):
                pass
        body = BUSY % (b"SlowDown" if status == 503 else b"InternalError")
        client.send(b"HTTP/1.1 %d No\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n%s\r\n" %
                    (status, len(body), b"Connection: close\r\n" if waits else b"") +
                    (b"" if request.first.startswith("HEAD ") else body))
        return not waits
