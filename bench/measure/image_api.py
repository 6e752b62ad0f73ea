"""What is asked of whoever speaks the Image API without accounts: Glance, and VISOR's front end for it."""

import json
import urllib.request

from measure.signing import head


class ImageApi:
    """Beside a Server, whose port it uses."""

    port: int

    def get(self, path: str) -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=120) as answer:
            return json.loads(answer.read())

    def create(self) -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v2/images", method="POST", data=self.new_image(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())["id"]

    def remove(self, image: str) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v2/images/{image}", method="DELETE")
        urllib.request.urlopen(request, timeout=60).close()

    @staticmethod
    def new_image() -> bytes:
        return json.dumps(
            {"name": "bench", "disk_format": "raw", "container_format": "bare", "note": "made by bench"}
        ).encode()

    def create_head(self) -> bytes:
        """With its body."""
        body = self.new_image()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        return head("POST", "/v2/images", self.port, headers) + body

    def upload_head(self, image: str, size: int) -> bytes:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        return head("PUT", f"/v2/images/{image}/file", self.port, headers)

    def download_head(self, image: str) -> bytes:
        return head("GET", f"/v2/images/{image}/file", self.port)

    def show_head(self, image: str) -> bytes:
        return head("GET", f"/v2/images/{image}", self.port)

    def list_head(self) -> bytes:
        """The first page, newest first, of as many as both give unasked."""
        return head("GET", "/v2/images", self.port)
