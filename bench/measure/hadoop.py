"""An HDFS to measure against, and its own client. scripts/bench has downloaded both: there is no network here."""

import pathlib
import shutil
import sys
import tempfile

from measure.setting import ROOT, Setting

# The tests know how to start it.
sys.path.append(str(ROOT / "tests" / "stores"))

from rig import hdfs  # noqa: E402

BLOCK = 128 << 20


class Hadoop:
    """An HDFS that is empty at first, of one namenode and one datanode with all of Java's compilers. A context manager."""

    def __init__(self, setting: Setting):
        before, tempfile.tempdir = tempfile.tempdir, str(setting.folder("hdfs"))
        try:
            self._server = hdfs.Hdfs(datanodes=1, java=("-Xmx512m",))
        finally:
            tempfile.tempdir = before

    def __enter__(self) -> "Hadoop":
        self._server.__enter__()
        # As a client's configuration lies in a cluster.
        self._settings.mkdir()
        shutil.copy(self._server.place / "cluster.xml", self._settings / "core-site.xml")
        (self._settings / "hdfs-site.xml").write_text("<configuration/>\n")
        (self._settings / "log4j.properties").write_text("log4j.rootLogger=OFF\n")
        return self

    def __exit__(self, *_) -> None:
        self._server.close()

    @property
    def _settings(self) -> pathlib.Path:
        return self._server.place / "client"

    def client(self, *arguments: str) -> list[str]:
        """What `hdfs dfs` runs, as the user whose folder it is."""
        return [
            "java", f"-DHADOOP_USER_NAME={self._server.user}", "-cp", f"{self._settings}:{hdfs.class_path()}",
            "org.apache.hadoop.fs.FsShell", "-D", f"dfs.blocksize={BLOCK}", *arguments,
        ]

    def path(self, name: str) -> str:
        return f"{self._server.folder}/{name}"

    def configuration(self) -> str:
        return f"""default_store: hdfs
stores:
  hdfs:
    namenodes: ["{self._server.namenodes[0]}"]
    bucket: {self._server.folder}
    username: {self._server.user}
    datanodes: ["{self._server.datanodes[0]}"]
    block_size: {BLOCK >> 20} MiB
"""


class Client:
    """`hdfs dfs`, without the shell script around it."""

    name = "hdfs"

    def __init__(self, setting: Setting, hadoop: Hadoop):
        self.setting = setting
        self.hadoop = hadoop

    def put(self, source: str, name: str) -> list[str]:
        return self.hadoop.client("-put", source, self.hadoop.path(name))

    def get(self, name: str, target: str) -> list[str]:
        return self.hadoop.client("-get", self.hadoop.path(name), target)

    def environment(self) -> dict[str, str]:
        return self.setting.environment()
