"""Glance, from Debian, under uwsgi with the settings that Debian starts it with: no accounts, files, SQLite."""

import os
import pathlib
import shutil
import sqlite3
import subprocess
import uuid

from measure.filled import FilledFolder
from measure.image_api import ImageApi
from measure.processes import Server
from measure.setting import Setting

# Of /etc/glance/glance-api-uwsgi.ini in Debian's glance-api, but for the queue of connections, which is 100 there, and
# for the lengths of answers, which it takes out: the load wants to know them.
UWSGI = """[uwsgi]
plugins = python3
master = true
thunder-lock = true
lazy-apps = true
no-orphans = true
die-on-term = true
exit-on-reload = true
enable-threads = true
processes = {processes}
threads = 32
listen = 1024
buffer-size = 65535
socket-timeout = 10
http-auto-chunked = true
http-chunked-input = true
http-raw-body = true
wsgi-manage-chunked-input = true
add-header = Connection: close
disable-logging = true
http-socket = 127.0.0.1:{port}
module = glance.common.wsgi_app:init_app()
"""
PROCESSES_PER_PROCESSOR = 2
PIPELINE = pathlib.Path("/usr/share/glance-common/glance-api-paste.ini")
SYSTEMS = ("debian", "ubuntu", "fedora", "alpine")


class Glance(ImageApi, Server):
    name = "glance"
    port = 18082

    def __init__(self, setting: Setting, data: pathlib.Path):
        super().__init__(setting)
        self.data = data

    def command(self) -> list[str]:
        return ["uwsgi", "--ini", str(self.data / "uwsgi.ini")]

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "OS_GLANCE_CONFIG_DIR": str(self.data)}

    def prepare(self) -> None:
        (self.data / "files").mkdir(parents=True, exist_ok=True)
        shutil.copy(PIPELINE, self.data)
        (self.data / "glance-api.conf").write_text(
            f"""[DEFAULT]
debug = False
log_file = {self.data}/glance.log
default_log_levels = glance=WARN
image_size_cap = 1099511627776
[database]
connection = sqlite:///{self.data}/glance.db
[glance_store]
stores = file
default_store = file
filesystem_store_datadir = {self.data}/files
[oslo_policy]
enforce_new_defaults = False
"""
        )
        processes = PROCESSES_PER_PROCESSOR * (os.cpu_count() or 1)
        (self.data / "uwsgi.ini").write_text(UWSGI.format(processes=processes, port=self.port))
        if not (self.data / "glance.db").exists():
            subprocess.run(
                ["glance-manage", "--config-file", self.data / "glance-api.conf", "db_sync"], check=True, capture_output=True
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
