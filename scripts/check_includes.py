#!/usr/bin/python3
"""Checks who includes whom in src/, as ARCHITECTURE.md draws it, and that vendors and dialects stay where they belong.

Prints one line a violation, with what to do about it. Exit status 1 if there is any.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"

# Direct dependencies; what they depend on follows from them.
USES = {
    "base": [],
    "async": ["base"],
    "net": ["async"],
    "http": ["net"],
    "document": ["base"],
    "audit": ["async", "document"],
    "image": ["base"],
    "sign": ["async"],  # a body's signature is checked while it streams
    "fetch": ["async"],
    "format": ["async"],
    "catalogue": ["async"],
    "catalogue/memory": ["catalogue"],
    "catalogue/sqlite": ["catalogue"],
    "store": ["async", "fetch", "sign"],
    "store/memory": ["store"],
    "store/file": ["store"],
    "store/http": ["store"],
    "store/reference": ["store"],
    "store/hdfs": ["store", "document"],
    "store/s3": ["store", "document"],
    "auth": ["catalogue", "fetch", "sign", "document"],
    "service": ["image", "catalogue", "store", "format", "auth", "document", "audit"],
    "front/native": ["service", "http", "document"],
    "front/glance": ["auth", "service", "http", "document", "fetch"],
    "front/identity": ["auth", "audit", "http", "document"],
    "front/operations": ["http"],
    "client": ["base", "sign", "document"],
}
# The composition root sees all of them, and nobody sees it.
USES["app"] = [folder for folder in USES if folder != "client"]

# Tests may use the in-memory engines in place of real ones, and the conformance suites in tests/.
TEST_USES = ["catalogue/memory", "store/memory"]

# Vendors: what an #include starts with, and who owns it. A header that shows one is for its own folder alone.
VENDORS = [
    ("boost/asio", ["net", "async"]),
    ("boost/beast", ["http"]),
    ("boost/json", ["document"]),
    ("boost/", ["net", "async", "http", "document"]),
    ("sqlite3.h", ["catalogue/sqlite"]),
    ("curl/", ["fetch", "client"]),
    ("openssl/", ["base", "sign", "auth", "net"]),
    ("yaml-cpp/", ["app"]),
    ("pugixml", ["document"]),
    ("CLI/", ["cmd"]),
]
# Statements, not words: a sentence may well say "select the image".
SQL = re.compile(
    r'"[^"]*\b(SELECT\s+[\w*(,. ]+\s+FROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM'
    r"|CREATE\s+(TABLE|INDEX|UNIQUE)|PRAGMA\s+\w+)\b"
)
# A name of a protocol or a backend in the domain means that a decision is made in the wrong place.
DIALECTS = re.compile(r"\b(glance|openstack|ec2|incus|lxd|oci|sqlite|mongodb|mysql|mariadb|postgresql|walrus|cumulus|hdfs)\b", re.I)
FREE_OF_DIALECTS = ["image", "service"]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def closure(folder: str) -> set[str]:
    seen: set[str] = set()
    waiting = [folder]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(USES[name])
    return seen


def folder_of(path: pathlib.PurePath) -> str:
    """Test data stands below the folder whose tests use it."""
    folder = path.parent
    return (folder.parent if folder.name == "testdata" else folder).as_posix()


def without_comment(line: str) -> str:
    return re.sub(r"//.*$", "", line)


def check_file(path: pathlib.Path, complaints: list[str]) -> None:
    relative = path.relative_to(ROOT)
    in_source = relative.parts[0] == "src"
    folder = folder_of(path.relative_to(SOURCE)) if in_source else relative.parts[0]
    is_test = path.name.endswith("_test.cc") or "testdata" in relative.parts or "_test_" in path.name or path.name.endswith("_fixture.h")
    if in_source and folder not in USES:
        complaints.append(
            f"{relative}: the folder {folder} has no place in the table of scripts/check_includes.py; "
            "say there whom it may use"
        )
        return
    allowed = closure(folder) if in_source else set(USES)
    if is_test:
        for name in TEST_USES:
            allowed |= closure(name)
    text = path.read_text(encoding="utf-8")
    shown = set()

    for number, line in enumerate(text.splitlines(), 1):
        where = f"{relative}:{number}"
        match = INCLUDE.match(line)
        if match:
            quoted, name = match.group(1) == '"', match.group(2)
            if quoted and in_source:
                target = folder_of(pathlib.PurePosixPath(name))
                if target in USES and target not in allowed:
                    complaints.append(f"{where}: {folder} may not use {target} (it uses {', '.join(USES[folder]) or 'nothing'})")
                elif "testdata" in name and not is_test:
                    complaints.append(f"{where}: test data is for tests alone")
                elif target not in USES and not (is_test and (ROOT / "tests" / name).exists()):
                    complaints.append(f'{where}: write "{name}" as "folder/header.h", below src/')
            owner = next((vendor for vendor in VENDORS if name.startswith(vendor[0])), None)
            if owner and in_source and not is_test:
                if folder not in owner[1]:
                    complaints.append(f"{where}: <{name}> belongs to {', '.join(owner[1])} alone")
                elif path.suffix == ".h":
                    shown.add(name)
            continue
        if not in_source or is_test:
            continue
        if folder != "catalogue/sqlite" and SQL.search(line):
            complaints.append(f"{where}: SQL outside catalogue/<engine>")
        if folder in FREE_OF_DIALECTS:
            word = DIALECTS.search(without_comment(line))
            if word:
                complaints.append(f"{where}: the name {word.group(0)} of a protocol or backend has no place in {folder}")

    for other in sorted(SOURCE.rglob("*.[hc]*")) if shown else []:
        if folder_of(other.relative_to(SOURCE)) != folder and f'"{relative.relative_to("src")}"' in other.read_text(encoding="utf-8"):
            complaints.append(
                f"{other.relative_to(ROOT)}: includes {relative}, which shows {', '.join(sorted(shown))}; "
                "such a header is for its own folder alone"
            )


def main() -> int:
    complaints: list[str] = []
    files = [
        path
        for top in (SOURCE, ROOT / "cmd")
        for path in sorted(top.rglob("*"))
        if path.suffix in (".h", ".cc") and path.is_file()
    ]
    for path in files:
        check_file(path, complaints)
    for complaint in complaints:
        print(complaint)
    print(f"includes: {len(files)} files, {len(complaints)} violations", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
