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
from rig.environment import PYTHON, program
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


class Driven(Client):
    """Its process lives as long as it, and takes orders."""

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


class Library(Driven):
    """A program that imports the client's library."""

    def upload(self, path, picture):
        return self.order("upload", path=str(path), **dataclasses.asdict(picture))["id"]

    def download(self, image, path):
        self.order("download", image=image, path=str(path))

    def show(self, image):
        return self.order("show", image=image)


class Sdk(Library):
    name, source = "openstacksdk", "sdk.py"


class Nova(Library):
    name, source = "Nova's image code", "nova_image.py"


class Cinder(Library):
    name, source = "Cinder's image code", "cinder_image.py"


class Ironic(Library):
    name, source = "Ironic's image code", "ironic_image.py"
    uploads = False


class Gophercloud(Library):
    name = "gophercloud"

    def __init__(self, variables, folder):
        # It knows one domain, which the others take for what the token is to be good for.
        super().__init__({**variables, "OS_DOMAIN_ID": variables["OS_USER_DOMAIN_ID"]}, folder)

    def command(self):
        return [compiled(HERE / "gophercloud")]


class PythonCommand(Driven):
    """A command line that is written in Python: its command, and the modules that are imported once for all times that it runs."""

    source = "command_line.py"
    command_name, modules = "", ()

    @property
    def python(self):
        return program("python")

    def command(self):
        return [self.python, HERE / "drivers" / self.source, self.command_name, *self.modules]

    def run(self, *words, **variables):
        """What it prints. `variables` are its environment's in place of those that it has for all."""
        done = self.order("run", words=[str(word) for word in words], variables=variables)
        if done["status"] != 0:
            raise Failed(f"{self.command_name} {' '.join(map(str, words))}: {done['printed']}{done['said']}")
        return done["printed"]


class Debian(PythonCommand):
    """The one of Debian's own packages, which run on Debian's own Python."""

    @property
    def python(self):
        if shutil.which(self.command_name, path="/usr/bin") is None:
            raise Unavailable(f"Debian's package of the command {self.command_name} is not installed")
        return PYTHON


class OpenStackCommand(PythonCommand):
    """`openstack image …`"""

    name, command_name = "openstack of PyPI", "openstack"
    modules = ("openstackclient.shell", "openstackclient.image.v2.image", "openstack.image.v2._proxy")

    def upload(self, path, picture):
        words = ["image", "create", "-f", "json", "--file", path, "--disk-format", picture.disk_format,
                 "--container-format", picture.container_format, "--min-disk", picture.min_disk, "--min-ram", picture.min_ram,
                 f"--{picture.visibility}"]
        for name, value in picture.properties.items():
            words += ["--property", f"{name}={value}"]
        for tag in picture.tags:
            words += ["--tag", tag]
        return json.loads(self.run(*words, picture.name))["id"]

    def download(self, image, path):
        self.run("image", "save", "--file", path, image)

    def show(self, image):
        return json.loads(self.run("image", "show", "-f", "json", image))


class DebianOpenStackCommand(Debian, OpenStackCommand):
    name = "openstack of Debian"


class GlanceCommand(PythonCommand):
    """`glance …`"""

    name, command_name = "glance of PyPI", "glance"
    modules = ("glanceclient.shell", "glanceclient.v2.shell", "glanceclient.v2.client")
    ROW = re.compile(r"^\| (\S+) +\| (.*?) *\|$", re.MULTILINE)

    def upload(self, path, picture):
        words = ["image-create", "--file", path, "--name", picture.name, "--disk-format", picture.disk_format,
                 "--container-format", picture.container_format, "--min-disk", picture.min_disk, "--min-ram", picture.min_ram,
                 "--visibility", picture.visibility]
        for name, value in picture.properties.items():
            words += ["--property", f"{name}={value}"]
        made = self._table(self.run(*words))["id"]
        for tag in picture.tags:
            self.run("image-tag-update", made, tag)
        return made

    def download(self, image, path):
        self.run("image-download", "--file", path, image)

    def show(self, image):
        found = self._table(self.run("image-show", image))
        numbers = {name: int(found[name]) for name in ("size", "min_disk", "min_ram")}
        return {**found, **numbers, "tags": json.loads(found["tags"].replace("'", '"')), "properties": found}

    def _table(self, text):
        return dict(self.ROW.findall(text))


class DebianGlanceCommand(Debian, GlanceCommand):
    name = "glance of Debian"


OPENSTACK = (OpenStackCommand, DebianOpenStackCommand, GlanceCommand, DebianGlanceCommand, Sdk, Gophercloud, Nova, Cinder, Ironic)


class VisorCommand(Client):
    """`visor …`, which speaks VISOR's own interface on the other face of the same server."""

    name = "visor"

    def run(self, *words):
        """What it prints."""
        command = [str(word) for word in (BINARIES / "visor", *words)]
        done = subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=COMMAND_SECONDS,
                              stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def upload(self, path, picture):
        words = ["name=" + picture.name, "architecture=x86_64", "format=" + picture.disk_format, "access=" + picture.visibility,
                 *(f"{name}={value}" for name, value in picture.properties.items())]
        return json.loads(self.run("--json", "add", *words, "-f", path))["image"]["_id"]

    def download(self, image, path):
        self.run("--quiet", "get", image, "-f", path)

    def show(self, image):
        found = json.loads(self.run("--json", "head", image))["image"]
        status = {"available": "active"}.get(found["status"], found["status"])
        return {"name": found["name"], "status": status, "size": found["size"], "checksum": found["checksum"],
                "disk_format": found["format"], "properties": found}
