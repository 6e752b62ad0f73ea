"""An image service as a program without any library sees it."""

import json
import urllib.error
import urllib.request

# What a server says of itself, and not of the image.
OWN = {"created_at", "updated_at", "virtual_size", "stores", "locations", "direct_url", "self", "file", "schema"}


class Images:
    """An image service, as one user has it."""

    def __init__(self, url, token=None):
        self.url, self._token = url, token

    def call(self, method, path, body=None, kind="application/json"):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": kind, **({"X-Auth-Token": self._token} if self._token else {})}
        request = urllib.request.Request(self.url + "/v2/images" + path, method=method, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.read()

    def ask(self, method, path, body=None, kind="application/json"):
        return json.loads(self.call(method, path, body, kind))

    def add(self, data=None, **attributes):
        """The id of a new image."""
        made = self.ask("POST", "", {"container_format": "bare", "disk_format": "raw", **attributes})["id"]
        if data is not None:
            self.call("PUT", f"/{made}/file", data, "application/octet-stream")
        return made

    def change(self, image, *operations):
        self.ask("PATCH", f"/{image}", list(operations), "application/openstack-images-v2.1-json-patch")

    def set(self, image, name, value):
        self.change(image, {"op": "add", "path": f"/{name}", "value": value})

    def show(self, image):
        return self.ask("GET", f"/{image}")

    def all(self):
        """Of everybody, by id."""
        found = [image for hidden in ("false", "true")
                 for image in self.ask("GET", f"?visibility=all&limit=1000&os_hidden={hidden}")["images"]]
        return {image["id"]: image for image in found}

    def there(self, image):
        try:
            return self.show(image)
        except urllib.error.HTTPError as refused:
            assert refused.code == 404
            return None

    def data(self, image):
        return self.call("GET", f"/{image}/file")

    def members(self, image):
        return {member["member_id"]: member["status"] for member in self.ask("GET", f"/{image}/members")["members"]}

    def described(self):
        """All that is said of each image, by id, but for what is the server's own."""
        return {image: {name: sorted(value) if name == "tags" else value for name, value in attributes.items() if name not in OWN}
                for image, attributes in self.all().items()}
