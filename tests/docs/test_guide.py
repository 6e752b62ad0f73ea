"""The guide does what it says. See README.md beside this file."""

import os
import pathlib

import pytest

import sandbox
from guide_page import BOOTED, Page, script

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = pathlib.Path(os.environ.get("VISOR_BIN", PROJECT / "build" / "bin")).resolve()
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs" / "guide").glob("*.md"))]
PAGE_SECONDS = 300

by_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)


@pytest.fixture(scope="session")
def place():
    if reason := sandbox.missing():
        pytest.skip(reason)


@by_page
def test_every_command_of_a_page_works(path, place):
    if path.name in BOOTED:
        pytest.skip(BOOTED[path.name])
    page = Page(path)
    if not any(step.kind != "untested" for step in page.steps):
        pytest.skip("; ".join(step.note for step in page.steps) or "the page has no commands")
    status, output = sandbox.run(script(page, sandbox.SECRET), BINARIES, PROJECT, PAGE_SECONDS)
    lines = [line for line in output.splitlines() if line.startswith("@@ ")]
    assert status == 0, f"failed at {lines[-1][3:] if lines else 'the start'}:\n{output}"


@by_page
def test_no_command_of_a_page_is_left_out_in_silence(path):
    page = Page(path)
    assert not page.escaped, f"fence what stands in {path.name} at line {page.escaped} as sh or console"
    for step in page.steps:
        if step.kind == "untested":
            print(f"{path.name}:{step.line} not run: {step.note}")
