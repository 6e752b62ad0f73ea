"""A cloud, with the clients of one user in it."""

import contextlib
import itertools
import os

import pytest
from rig import Unavailable
from rig.clouds import GlanceCloud, VisorCloud
from rig.pictures import qcow2, raw
from rig.web import Web

from . import OPENSTACK, Picture, VisorCommand

# Glance itself can be asked for, to see whether a failure is the server's or the test's.
CLOUDS = os.environ.get("VISOR_TEST_CLOUDS", "own,keystone").split(",")
MAKERS = {"own": lambda web: VisorCloud("own", web.address), "keystone": lambda web: VisorCloud("keystone", web.address),
          "glance": lambda web: GlanceCloud()}
PROPERTIES = {"os_distro": "debian", "hw_disk_bus": "virtio", "note": "naïve ☃, = and 'quotes'"}
TAGS = ("golden", "2026")
CONTENT = {"raw": raw(3_000_000 // 64 * 64), "qcow2": qcow2()}
CLIENTS = {client.name: client for client in (*OPENSTACK, VisorCommand)}


@contextlib.contextmanager
def galleries(name, folder):
    """A gallery of the cloud of that name, or a skipped test that says why it could not be had."""
    with contextlib.ExitStack() as stack:
        try:
            web = stack.enter_context(Web({f"/{kind}": content for kind, content in CONTENT.items()}))
            cloud = stack.enter_context(MAKERS[name](web))
        except Unavailable as reason:
            pytest.skip(f"could not be had: {reason}")
        yield Gallery(cloud, web, folder, stack)


class Gallery:
    """Clients start when they are first asked; each one's own image is made once. `web` has CONTENT, and the cloud may fetch from it."""

    def __init__(self, cloud, web, folder, stack):
        self.cloud, self.web, self.folder, self._stack = cloud, web, folder, stack
        self._clients, self._images, self._numbers = {}, {}, itertools.count()

    def client(self, name, user="alice"):
        """The client of that name, as the user runs it; a skipped test if it can't be had here."""
        if (name, user) not in self._clients:
            kind = CLIENTS[name]
            variables = self.cloud.variables(user)
            if kind is VisorCommand:
                if isinstance(self.cloud, GlanceCloud):
                    pytest.skip("Glance doesn't speak VISOR's own interface")
                if self.cloud.keystone:
                    pytest.skip("where Keystone says who asks, images belong to its projects, and VISOR's accounts are others")
                key, secret = self.cloud.person(user)
                variables |= {"VISOR_ADDRESS": self.cloud.server.address, "VISOR_ACCESS_KEY": key, "VISOR_SECRET_KEY": secret}
            place = self.folder / f"{next(self._numbers)}-{user}"
            place.mkdir()
            try:
                self._clients[name, user] = self._stack.enter_context(kind(variables, place))
            except Unavailable as reason:
                pytest.skip(f"could not be had: {reason}")
        return self._clients[name, user]

    def picture(self, uploader):
        """What this client says of the image that it puts in."""
        kind = "qcow2" if uploader in ("openstacksdk", "visor") else "raw"
        return Picture(name=f"of {uploader}", disk_format=kind, properties=PROPERTIES, tags=TAGS)

    def image(self, uploader):
        """The id of its image."""
        client = self.client(uploader)
        if uploader not in self._images:
            picture = self.picture(uploader)
            self._images[uploader] = client.upload(self.file(picture.disk_format), picture)
        return self._images[uploader]

    def file(self, kind="raw"):
        """The path of a file with CONTENT of that kind."""
        path = self.folder / f"put.{kind}"
        path.write_bytes(CONTENT[kind])
        return path
