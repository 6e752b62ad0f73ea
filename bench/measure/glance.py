"""Glance, from Debian, with the runner it brings along: no accounts, files, SQLite."""

import pathlib
import sqlite3
import subprocess
import sys
import uuid

from measure.filled import FilledFolder
from measure.image_api import ImageApi
from measure.processes import Server
from measure.setting import Setting

PYTHON = sys.executable
SYSTEMS = ("debian", "ubuntu", "fedora", "alpine")


class Glance(ImageApi, Server):
    name = "glance"
    port = 18082

    def __init__(self, setting: Setting, data: pathlib.Path):
        super().__init__(setting)
        self.data = data

    def command(self) -> list[str]:
        return [PYTHON, "-c", "from glance.cmd.api import main; main()", "--config-file", str(self.data / "glance.conf")]

    def prepare(self) -> None:
        (self.data / "files").mkdir(parents=True, exist_ok=True)
        (self.data / "glance.conf").write_text(
            f"""[DEFAULT]
bind_host = 127.0.0.1
bind_port = {self.port}
workers = 2
backlog = 4096
debug = False
log_file = {self.data}/glance.log
default_log_levels = eventlet.wsgi.server=WARN,glance=WARN
image_size_cap = 1099511627776
[database]
connection = sqlite:///{self.data}/glance.db
[glance_store]
stores = file
default_store = file
filesystem_store_datadir = {self.data}/files
[paste_deploy]
config_file = /usr/share/glance-common/glance-api-paste.ini
[oslo_policy]
enforce_new_defaults = False
"""
        )
        if not (self.data / "glance.db").exists():
            subprocess.run(
                ["glance-manage", "--config-file", self.data / "glance.conf", "db_sync"], check=True, capture_output=True
            )

    def answers(self) -> bool:
        try:
            self.get("/v2/images?limit=1")
        except OSError:
            return False
        return True


class FilledGlance(FilledFolder):
    """Its database, written past it."""

    server = "glance"

    def fill(self) -> None:
        Glance(self.setting, self.folder).prepare()
        database = sqlite3.connect(self.folder / "glance.db")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA cache_size = -1000000")
        ids = [str(uuid.uuid4()) for _ in range(self.setting.images)]
        with database:
            database.executemany(
                "INSERT INTO images (id, name, size, virtual_size, status, created_at, updated_at, deleted, disk_format,"
                " container_format, checksum, owner, min_disk, min_ram, protected, visibility, os_hidden)"
                " VALUES (?, ?, ?, 0, 'active', datetime('now', ?), datetime('now', ?), 0, ?, 'bare', ?, ?, 0, 0, 0, ?, 0)",
                (
                    (
                        image, f"image {number}", (number % 4096 + 1) << 20, f"-{number + 1} seconds",
                        f"-{number + 1} seconds", "raw" if number % 5 == 0 else "qcow2", uuid.uuid4().hex,
                        f"account{number % 4}", "private" if number % 10 == 0 else "public",
                    )
                    for number, image in enumerate(ids)
                ),
            )
            database.executemany(
                "INSERT INTO image_properties (image_id, name, value, created_at, updated_at, deleted)"
                " VALUES (?, ?, ?, datetime('now'), datetime('now'), 0)",
                (
                    row
                    for number, image in enumerate(ids)
                    for row in ((image, "os", SYSTEMS[number // 7 % 4]), (image, "build", str(number % 1000)))
                ),
            )
        database.close()
        self.ids.write_text("\n".join(ids) + "\n")
