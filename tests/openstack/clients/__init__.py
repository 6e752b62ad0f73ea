"""The clients that people and clouds use, each with the same three verbs: upload, download, show.

`upload(path, picture)` returns the image's id, `download(image, path)` leaves the data in a file, `show(image)` tells what the client
makes of the record, by the names of Picture and `status`, `size` and `checksum`. A client that can't do a verb lacks it.
"""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess

from harness.server import BINARIES
from processes import Process
from rig import Unavailable
from rig.environment import program
from rig.go_program import compiled

HERE = pathlib.Path(__file__).resolve().parent
COMMAND_SECONDS = 120


@dataclasses.dataclass(frozen=True)
class Picture:
    """What an image is said to be."""

    name: str
    disk_format: str = "raw"
    container_format: str = "bare"
    min_disk: int = 1
    min_ram: int = 64
    visibility: str = "private"
    properties: dict = dataclasses.field(default_factory=dict)
    tags: tuple = ()


class Failed(Exception):
    """The client ended with an error; the text is all it said."""


class Client:
    """Used as a context manager, for one user. `variables` say who asks, and whom."""

    name = ""
    uploads = downloads = True

    def __init__(self, variables, folder):
        self.folder = pathlib.Path(folder, self.name.replace(" ", "-").replace("'", ""))
        self.folder.mkdir()
        self.environment = {**{name: value for name, value in os.environ.items() if not name.startswith(("OS_", "VISOR_"))},
                            **variables, "HOME": str(self.folder)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, *words):
        """What a command prints."""
        # Anything but a terminal would be taken for the image's data.
        person, terminal = os.openpty()
        try:
            done = subprocess.run([str(word) for word in words], env=self.environment, cwd=self.folder, capture_output=True, text=True,
                                  timeout=COMMAND_SECONDS, stdin=terminal, check=False)
        finally:
            os.close(terminal)
            os.close(person)
        if done.returncode != 0:
            raise Failed(f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return done.stdout


class Driven(Client):
    """A program that imports the client's library and takes orders."""

    source = ""

    def command(self):
        return [program("python"), HERE / "drivers" / self.source]

    def __enter__(self):
        self._process = Process(self.command(), log=self.folder / "log", cwd=self.folder, environment=self.environment)
        return self

    def __exit__(self, *_):
        self._process.kill()

    def order(self, verb, **what):
        try:
            return self._process.order(json.dumps({"do": verb, **what}))
        except (RuntimeError, BrokenPipeError) as failure:
            raise Failed(f"{self.name}: {failure}\n{self._process.complaint()}") from None

    def upload(self, path, picture):
        return self.order("upload", path=str(path), **dataclasses.asdict(picture))["id"]

    def download(self, image, path):
        self.order("download", image=image, path=str(path))

    def show(self, image):
        return self.order("show", image=image)


class Sdk(Driven):
    name, source = "openstacksdk", "sdk.py"


class Nova(Driven):
    name, source = "Nova's image code", "nova_image.py"


class Cinder(Driven):
    name, source = "Cinder's image code", "cinder_image.py"


class Ironic(Driven):
    name, source = "Ironic's image code", "ironic_image.py"
    uploads = False


class Gophercloud(Driven):
    name = "gophercloud"

    def __init__(self, variables, folder):
        # It knows one domain, which the others take for what the token is to be good for.
        super().__init__({**variables, "OS_DOMAIN_ID": variables["OS_USER_DOMAIN_ID"]}, folder)

    def command(self):
        return [compiled(HERE / "gophercloud")]


class OpenStackCommand(Client):
    """`openstack image …`"""

    name = "openstack of PyPI"

    @property
    def program(self):
        return program("openstack")

    def upload(self, path, picture):
        words = ["image", "create", "-f", "json", "--file", path, "--disk-format", picture.disk_format,
                 "--container-format", picture.container_format, "--min-disk", picture.min_disk, "--min-ram", picture.min_ram,
                 f"--{picture.visibility}"]
        for name, value in picture.properties.items():
            words += ["--property", f"{name}={value}"]
        for tag in picture.tags:
            words += ["--tag", tag]
        return json.loads(self.run(self.program, *words, picture.name))["id"]

    def download(self, image, path):
        self.run(self.program, "image", "save", "--file", path, image)

    def show(self, image):
        return json.loads(self.run(self.program, "image", "show", "-f", "json", image))


class DebianOpenStackCommand(OpenStackCommand):
    name = "openstack of Debian"

    @property
    def program(self):
        return debian("openstack")


class GlanceCommand(Client):
    """`glance …`"""

    name = "glance of PyPI"
    ROW = re.compile(r"^\| (\S+) +\| (.*?) *\|$", re.MULTILINE)

    @property
    def program(self):
        return program("glance")

    def upload(self, path, picture):
        words = ["image-create", "--file", path, "--name", picture.name, "--disk-format", picture.disk_format,
                 "--container-format", picture.container_format, "--min-disk", picture.min_disk, "--min-ram", picture.min_ram,
                 "--visibility", picture.visibility]
        for name, value in picture.properties.items():
            words += ["--property", f"{name}={value}"]
        made = self._table(self.run(self.program, *words))["id"]
        for tag in picture.tags:
            self.run(self.program, "image-tag-update", made, tag)
        return made

    def download(self, image, path):
        self.run(self.program, "image-download", "--file", path, image)

    def show(self, image):
        found = self._table(self.run(self.program, "image-show", image))
        numbers = {name: int(found[name]) for name in ("size", "min_disk", "min_ram")}
        return {**found, **numbers, "tags": json.loads(found["tags"].replace("'", '"')), "properties": found}

    def _table(self, text):
        return dict(self.ROW.findall(text))


class DebianGlanceCommand(GlanceCommand):
    name = "glance of Debian"

    @property
    def program(self):
        return debian("glance")


def debian(name):
    """A command of Debian's own packages, which run on Debian's own Python."""
    found = shutil.which(name, path="/usr/bin")
    if found is None:
        raise Unavailable(f"Debian's package of the command {name} is not installed")
    return found


OPENSTACK = (OpenStackCommand, DebianOpenStackCommand, GlanceCommand, DebianGlanceCommand, Sdk, Gophercloud, Nova, Cinder, Ironic)


class VisorCommand(Client):
    """`visor …`, which speaks VISOR's own interface on the other face of the same server."""

    name = "visor"

    @property
    def program(self):
        return BINARIES / "visor"

    def upload(self, path, picture):
        words = ["name=" + picture.name, "architecture=x86_64", "format=" + picture.disk_format, "access=" + picture.visibility,
                 *(f"{name}={value}" for name, value in picture.properties.items())]
        return json.loads(self.run(self.program, "--json", "add", *words, "-f", path))["image"]["_id"]

    def download(self, image, path):
        self.run(self.program, "--quiet", "get", image, "-f", path)

    def show(self, image):
        found = json.loads(self.run(self.program, "--json", "head", image))["image"]
        status = {"available": "active"}.get(found["status"], found["status"])
        return {"name": found["name"], "status": status, "size": found["size"], "checksum": found["checksum"],
                "disk_format": found["format"], "properties": found}
