"""A web server with an image on it, for imports and locations by URL."""

import http.server
import threading

from .address import HOST


class Web:
    """Used as a context manager. `pages` are its files by path, as bytes; more can come while it serves."""

    def __init__(self, pages):
        self.pages = dict(pages)
        self._server = None

    def __enter__(self):
        pages = self.pages

        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, body_too):
                page = pages.get(self.path)
                content = page if page is not None else b"not here\n"
                self.send_response(200 if page is not None else 404)
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if body_too:
                    self.wfile.write(content)

            def do_GET(self):  # noqa: N802
                self.answer(True)

            def do_HEAD(self):  # noqa: N802
                self.answer(False)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer((HOST, 0), Answer)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self):
        return f"{HOST}:{self._server.server_address[1]}"

    def url(self, path):
        return f"http://{self.address}{path}"
