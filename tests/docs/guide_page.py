"""Reads a page of the guide into the steps that its reader would take."""

import dataclasses
import pathlib
import re

# The first words that give a block of commands away.
COMMAND = re.compile(r"^(\$ |sudo |visor |visord |curl |openssl |systemctl |journalctl |scripts/|export |kill )")
FENCE = re.compile(r"^(\s*)```(\w*)\s*$")
REMARK = re.compile(r"^\s*<!-- (test|file|untested): ?(.*?)(-->)?\s*$")

# The pages that need a package and a systemd, which the sandbox beside this file lacks: page, and what runs it instead.
BOOTED = {
    "install.md": "run by tests/packaging/test_guide_pages.py",
    "upgrade.md": "run by tests/packaging/test_guide_pages.py",
}


@dataclasses.dataclass
class Step:
    line: int
    kind: str  # "run", "configuration", "file" or "untested"
    text: str
    note: str = ""  # why it is not run; the file that it is written to


class Page:
    """The steps of a page in their order, and the places where a command escapes being run."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.steps: list[Step] = []
        self.escaped: list[int] = []
        self._lines = path.read_text(encoding="utf-8").splitlines()
        self._at = 0
        self._remarked = ("", "")
        while self._at < len(self._lines):
            self._read()

    def _read(self):
        line = self._lines[self._at]
        if fence := FENCE.match(line):
            self._fenced(fence.group(2), len(fence.group(1)))
        elif remark := REMARK.match(line):
            self._remark(remark)
        else:
            if line.startswith("    ") and COMMAND.match(line.strip()) and self._begins_block():
                self.escaped.append(self._at + 1)
            self._at += 1

    def _begins_block(self):
        """An indented line is code only behind an empty line or other code; else it goes on with a list or a text."""
        before = self._at - 1
        while before >= 0 and self._lines[before].startswith("    "):
            before -= 1
        return before < 0 or not self._lines[before].strip()

    def _fenced(self, language, indent):
        first = self._at + 1
        self._at = first
        while not FENCE.match(self._lines[self._at]):
            self._at += 1
        block = [line[indent:] for line in self._lines[first : self._at]]
        self._at += 1
        kind, note = self._remarked
        self._remarked = ("", "")
        if kind:
            self.steps.append(Step(first + 1, kind, "\n".join(block), note))
        elif language == "sh":
            self.steps.append(Step(first + 1, "run", "\n".join(block)))
        elif language == "console":
            commands = [line[2:] for line in block if line.startswith("$ ")]
            self.steps.append(Step(first + 1, "run", "\n".join(commands)))
        elif language == "yaml":
            self.steps.append(Step(first + 1, "configuration", "\n".join(block)))
        elif any(COMMAND.match(line) for line in block):
            self.escaped.append(first + 1)

    def _remark(self, remark):
        kind, text, closed = remark.groups()
        first = self._at + 1
        self._at += 1
        parts = [text]
        while not closed:
            line = self._lines[self._at]
            closed = line.rstrip().endswith("-->")
            parts.append(line.rstrip().removesuffix("-->"))
            self._at += 1
        if kind == "test":
            self.steps.append(Step(first, "run", "\n".join(parts).strip()))
        else:
            self._remarked = (kind, " ".join(part.strip() for part in parts).strip())


def script(page: Page, secret: str) -> str:
    """One shell script of all steps, which says the line of each before it takes it."""
    parts = ["set -eu -o pipefail"]
    for step in page.steps:
        if step.kind == "untested":
            continue
        parts.append(f"printf '%s\\n' '@@ {page.path.name}:{step.line}'")
        if step.kind == "run":
            parts.append(step.text.replace("…", secret))
        elif step.kind == "file":
            parts.append(f"install -D -m 600 /dev/stdin {step.note} <<'END-OF-PAGE'\n{step.text.replace('…', secret)}\nEND-OF-PAGE")
        else:
            parts.append(f"cat >/tmp/page.yml <<'END-OF-PAGE'\n{step.text}\nEND-OF-PAGE")
            parts.append("visord --config /tmp/page.yml --check-config")
    return "\n".join(parts) + "\n"
