"""Bytes on a socket, for requests that no client library would send."""

import errno
import socket
import struct

from . import signing


class Wire:
    """One connection. Reading gives up with an AssertionError after `timeout` seconds: a server must answer or close."""

    def __init__(self, server, timeout=60):
        self.socket = socket.create_connection((server.host, server.port), timeout=timeout)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        if isinstance(data, str):
            data = data.encode()
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it closed already; what it answered is still to be read

    def reset(self):
        """Closes with RST, as a crashed client's system does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def half_close(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            # As in send(): a connection that was reset has no half left to close.
            if error.errno != errno.ENOTCONN:
                raise

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        except socket.timeout:
            raise AssertionError(f"no answer in time; so far: {self.buffer[:500]!r}") from None
        self.buffer += data
        return bool(data)

    def read_until_closed(self):
        while self._more():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def read_head(self):
        """Status and headers (names in lower case) of the next answer, or (None, {}) if the connection was closed."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                assert not self.buffer.strip(), f"half a head, then the end: {self.buffer!r}"
                return None, {}
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("utf-8", "replace").split("\r\n")
        version, status, *_ = lines[0].split(" ", 2)
        assert version in ("HTTP/1.1", "HTTP/1.0"), lines[0]
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return int(status), headers

    def read_exactly(self, count):
        # Put together at the end: a large body that grew by each piece would be copied as often.
        pieces, missing = [self.buffer], count - len(self.buffer)
        while missing > 0:
            self.buffer = b""
            assert self._more(), f"{count - missing} of {count} bytes, then the end"
            pieces.append(self.buffer)
            missing -= len(self.buffer)
        data = b"".join(pieces)
        self.buffer = data[count:]
        return data[:count]

    def read_answer(self, method="GET"):
        """(status, headers, body) of the next final answer; 100 Continue is passed over."""
        while True:
            status, headers = self.read_head()
            if status is None:
                return None, {}, b""
            if status != 100:
                break
        if method == "HEAD" or status in (204, 304):
            return status, headers, b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return status, headers, self._read_chunks()
        if "content-length" in headers:
            return status, headers, self.read_exactly(int(headers["content-length"]))
        return status, headers, self.read_until_closed()

    def _read_line(self):
        while b"\r\n" not in self.buffer:
            assert self._more(), "the connection ended inside a chunked body"
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def _read_chunks(self):
        body = b""
        while True:
            size = int(self._read_line().split(b";")[0], 16)
            if size == 0:
                while self._read_line():
                    pass
                return body
            body += self.read_exactly(size)
            assert self._read_line() == b""


def head(method, target, headers, version="HTTP/1.1"):
    """A request's head as bytes, from pairs of texts."""
    lines = [f"{method} {target} {version}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def signed_head(api, method, target, headers=(), framing=(), sign=None):
    """The same, signed by the account of `api`; `framing` is added unsigned (Content-Length, Expect, ...).

    With framing the VISOR scheme signs, unless `sign` says otherwise.
    """
    if sign is None and framing and api.scheme:
        # What the body will be is not known here, and this scheme leaves it unsigned.
        sign = signing.visor(api.access_key, api.secret)
    signed = api.signed(method, target, headers, None, sign)
    return head(method, target, [("Host", f"{api.host}:{api.port}"), *signed, *framing])
