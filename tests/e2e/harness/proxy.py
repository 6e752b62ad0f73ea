"""A TCP proxy that breaks connections where a test tells it to, and a small HTTP origin for references."""

import contextlib
import http.server
import socket
import threading


class BreakingProxy:
    """Forwards to `target`. Each connection takes the next number of `cuts`: after that many bytes of the answer it is
    cut; None, or no number left: never. `requests` collects what clients sent."""

    def __init__(self, target, cuts=()):
        self.target = target
        self.cuts = list(cuts)
        self.requests = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def outgoing(self, data, position):
        """What becomes of a piece of the answer that begins at `position` of its connection."""
        return data

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            cut = self.cuts.pop(0) if self.cuts else None
            threading.Thread(target=self._serve, args=(client, cut), daemon=True).start()

    def _serve(self, client, cut):
        server = socket.create_connection(self.target)
        sent = bytearray()
        self.requests.append(sent)

        def forward():
            try:
                while data := client.recv(65536):
                    sent.extend(data)
                    server.sendall(data)
                server.shutdown(socket.SHUT_WR)
            except OSError:
                # Who broke off on one side has broken off on the other.
                with contextlib.suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)

        threading.Thread(target=forward, daemon=True).start()
        left, position = cut, 0
        try:
            while data := server.recv(65536):
                data = self.outgoing(data, position)
                position += len(data)
                if left is not None:
                    data = data[:left]
                    left -= len(data)
                client.sendall(data)
                if left == 0:
                    break
        except OSError:
            pass
        for end in (client, server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


class Origin:
    """An HTTP server with fixed documents, {path: bytes}, and redirects, {path: location}. Counts requests by path."""

    def __init__(self, documents=None, redirects=None, etag=None):
        documents, redirects = documents or {}, redirects or {}
        self.hits = []
        self.gone = False
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, with_body):
                if origin.gone:
                    self.close_connection = True
                    return
                origin.hits.append((self.command, self.path, dict(self.headers)))
                if self.path in redirects:
                    self.send_response(302)
                    self.send_header("Location", redirects[self.path])
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                data = documents.get(self.path)
                if data is None:
                    self.send_error(404)
                    return
                start, end, status = 0, len(data), 200
                wanted = self.headers.get("Range")
                if wanted and wanted.startswith("bytes="):
                    first, _, last = wanted[6:].partition("-")
                    start, end, status = int(first), min(int(last) + 1 if last else len(data), len(data)), 206
                self.send_response(status)
                if status == 206:
                    self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
                self.send_header("Accept-Ranges", "bytes")
                self.send_header("Content-Length", str(end - start))
                if etag:
                    self.send_header("ETag", f'"{etag}"')
                self.end_headers()
                if with_body:
                    self.wfile.write(data[start:end])

            def do_GET(self):
                self.answer(True)

            def do_HEAD(self):
                self.answer(False)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Connections that are kept alive end as well.
        self.gone = True
        self.server.shutdown()
        self.server.server_close()
