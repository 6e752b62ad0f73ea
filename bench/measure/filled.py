"""Data folders with many images: made once, and kept for later runs."""

import pathlib
import shutil
import subprocess

from measure.setting import Setting


class FilledFolder:
    """Subclasses say how it is filled."""

    server = ""

    def __init__(self, setting: Setting):
        self.setting = setting
        self.folder = setting.work / f"{self.server}-{setting.images}"
        self.ids = self.folder / "ids"  # one a line

    def fill(self) -> None:
        """Into the folder, which is empty."""
        raise NotImplementedError

    def make(self) -> None:
        """Unless an earlier run did. Then its files are in the page cache, whichever run filled it."""
        done = self.folder / "filled"
        if done.exists():
            self.read()
            return
        print(f"  filling {self.server}'s catalogue with {self.setting.images} images (kept for later runs)", flush=True)
        self.setting.empty_folder(self.folder.name)
        self.fill()
        done.touch()

    def read(self) -> None:
        """So that a first round finds what later ones find."""
        for path in self.folder.iterdir():
            if path.is_file():
                with path.open("rb", buffering=0) as file:
                    while file.read(1 << 20):
                        pass

    def some_ids(self, count: int) -> list[str]:
        """Evenly spread over all."""
        ids = self.ids.read_text().split()
        return ids[:: max(1, len(ids) // count)][:count]

    def copy(self, name: str) -> pathlib.Path:
        """One to change: what is kept stays as it was filled."""
        target = self.setting.empty_folder(name)
        subprocess.run(["cp", "--recursive", "--reflink=auto", f"{self.folder}/.", target], check=True)
        subprocess.run(["sync", "--file-system", target], check=True)
        return target

    def remove_copy(self, name: str) -> None:
        shutil.rmtree(self.setting.work / name)
