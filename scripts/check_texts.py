#!/usr/bin/python3
"""Checks the texts of the tree: links between its documents, and words that must not stay in it.

Prints one line a finding. Exit status 1 if there is any.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
FENCE = re.compile(r"```.*?```", re.DOTALL)

# Written in two parts, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
MACHINE = re.compile(r"(?<![\w.])/(work|root)/(?!\.\.)[\w.-]+")
TEXTS = {".md", ".h", ".cc", ".py", ".sh", ".txt", ".cmake", ".yml", ".yaml", ""}


def tracked() -> list[pathlib.Path]:
    """What git knows or would take: build results and data folders are left out by .gitignore."""
    answer = subprocess.run(
        ["git", "-C", ROOT, "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, capture_output=True,
    )
    return [ROOT / name for name in answer.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def anchor(heading: str) -> str:
    text = re.sub(r"[`*_]", "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def check_links(path: pathlib.Path, text: str, findings: list[str]) -> None:
    for match in LINK.finditer(FENCE.sub("", text)):
        target = match.group(1)
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        relative = path.relative_to(ROOT)
        if not file.exists():
            findings.append(f"{relative}: the link to {target} leads nowhere")
        elif fragment and file.suffix == ".md":
            headings = {anchor(heading) for heading in HEADING.findall(file.read_text(encoding="utf-8"))}
            if fragment not in headings:
                findings.append(f"{relative}: {name or 'this file'} has no heading #{fragment}")


def main() -> int:
    findings: list[str] = []
    files = tracked()
    for path in files:
        if path.suffix not in TEXTS or path.name in ("LICENSE", "COPYING"):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        relative = path.relative_to(ROOT)
        for number, line in enumerate(text.splitlines(), 1):
            if UNFINISHED.search(line):
                findings.append(f"{relative}:{number}: unfinished business: {line.strip()[:80]}")
            if MACHINE.search(line) and path.name != "check_texts.py":
                findings.append(f"{relative}:{number}: a path of one machine: {line.strip()[:80]}")
        if path.suffix == ".md":
            check_links(path, text, findings)
    for folder in sorted((ROOT / "src").rglob("CMakeLists.txt")):
        if folder.parent != ROOT / "src" and not (folder.parent / "README.md").exists():
            findings.append(f"{folder.parent.relative_to(ROOT)}: has no README.md that says what the folder is for")
    for finding in findings:
        print(finding)
    print(f"texts: {len(files)} files, {len(findings)} findings", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
