#!/usr/bin/python3
"""Fills a manual page with what the programs say about themselves.

make_man.py PAGE.in --version VERSION --date DATE --program PROGRAM > PAGE

In the page, @OPTIONS@ stands for the options in `PROGRAM --help`, @COMMANDS@ for every command with its own options and
examples, @EXAMPLES@, @EXIT@ and @ENVIRONMENT@ for those parts of the help, and @SETTINGS@ for every key in
`PROGRAM --print-config-template`. A page can ask only for what there is: anything else is an error.
"""

import argparse
import dataclasses
import pathlib
import re
import subprocess
import sys

HEADING = re.compile(r"^([A-Z][A-Za-z ]*):(?: (\S.*))?$")
ENTRY = re.compile(r"^  (\S.*?)(?: {2,}(\S.*))?$")
CONTINUATION = re.compile(r"^ {6,}(\S.*)$")
COMMENT = re.compile(r"^# (\S.*)$")
SETTING = re.compile(r"^#?(?P<indent> *)(?P<item>- )?(?P<key>[a-z_0-9]+):(?: (?P<value>.*))?$")
# Every command has these; the page has them once.
COMMON = ("Connection", "Output")


def escape(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


@dataclasses.dataclass
class Help:
    """What `--help` prints: a line about the program, then parts with a heading each."""

    about: str = ""
    usage: str = ""
    parts: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    @staticmethod
    def of(command: list[str]) -> "Help":
        text = subprocess.run([*command, "--help"], check=True, capture_output=True, text=True).stdout
        answer = Help()
        lines = None
        for line in text.splitlines():
            heading = HEADING.match(line)
            if not answer.about:
                answer.about = line.strip()
            elif heading and heading.group(1) == "Usage":
                answer.usage = heading.group(2)
            elif heading:
                lines = answer.parts.setdefault(heading.group(1), [])
                if heading.group(2):
                    lines.append("  " + heading.group(2))
            elif lines is not None:
                lines.append(line)
        return answer

    def entries(self, part: str) -> list[tuple[str, str]]:
        found: list[list[str]] = []
        for line in self.parts.get(part, []):
            if not line.strip():
                continue
            more = CONTINUATION.match(line)
            if more and found:
                found[-1][1] = (found[-1][1] + " " + more.group(1)).strip()
            elif entry := ENTRY.match(line):
                found.append([entry.group(1), entry.group(2) or ""])
            else:
                break  # another paragraph: the list is over
        return [(name, text) for name, text in found]

    def verbatim(self, part: str) -> list[str]:
        """The indented lines right after the heading."""
        lines = []
        for line in self.parts.get(part, []):
            if not line.startswith("  "):
                break
            lines.append(line[2:])
        return lines


def tagged(entries: list[tuple[str, str]]) -> list[str]:
    lines = []
    for name, text in entries:
        lines += [".TP", f".B {escape(name)}", escape(text) or "\\&"]
    return lines


def example(lines: list[str]) -> list[str]:
    return [".PP", ".nf", ".RS 4", *(escape(line) for line in lines), ".RE", ".fi"]


def need(what, name: str):
    if not what:
        sys.exit(f"make_man.py: the help has no {name}; its layout must have changed")
    return what


def options(command: list[str]) -> list[str]:
    own = Help.of(command)
    lines = tagged(need(own.entries("Options"), "options"))
    for part in COMMON:
        if entries := own.entries(part):
            lines += [f".SS {part}", *tagged(entries)]
    return lines


def commands(command: list[str], above: Help | None = None) -> list[str]:
    lines = []
    own = Help.of(command)
    for name, _ in own.entries("Subcommands"):
        below = Help.of([*command, name])
        if below.parts.get("Subcommands"):
            lines += commands([*command, name], above or own)
            continue
        title = " ".join([*command[1:], name])
        usage = need(below.usage, f"usage of {title}")
        lines += [f'.SS "{escape(title)}"', escape(below.about), ".PP", f".B {escape(usage)}"]
        lines += tagged(below.entries("Positionals"))
        lines += tagged([entry for entry in below.entries("Options") if not entry[0].startswith("-h")])
        examples = below.verbatim("Examples")
        if examples and examples != (above or own).verbatim("Examples"):
            lines += example(examples)
    return need(lines, "commands")


def settings(command: list[str]) -> list[str]:
    """Comments (`# text`) and settings (`#key: value`, indented by section) in the order of the template."""
    text = subprocess.run([*command, "--print-config-template"], check=True, capture_output=True, text=True).stdout
    lines: list[str] = []
    comment: list[str] = []
    path: list[tuple[int, str]] = []
    begun = False

    def paragraph() -> None:
        # What stands before the first setting is about the file, and the page says that itself.
        if comment and begun:
            lines.extend([".PP", *comment])
        comment.clear()

    for line in text.splitlines():
        remark = COMMENT.match(line)
        setting = SETTING.match(line)
        if remark:
            comment.append(escape(remark.group(1)))
        elif setting:
            indent = len(setting["indent"]) + (2 if setting["item"] else 0)
            path = [(depth, name) for depth, name in path if depth < indent]
            if setting["item"] and path:
                path[-1] = (path[-1][0], path[-1][1].removesuffix("[]") + "[]")
            path.append((indent, setting["key"]))
            name = ".".join(part for _, part in path)
            default = f" \\fR({escape(setting['value'])})" if setting["value"] else ""
            lines += [".TP", f".B {escape(name)}{default}", *(comment or ["\\&"])]
            comment.clear()
            begun = True
        elif not line.strip() or line == "#":
            paragraph()
        else:
            sys.exit(f"make_man.py: this line of the configuration template is neither comment nor setting: {line}")
    paragraph()
    return need(lines if begun else [], "settings")


def environment(command: list[str]) -> list[str]:
    return tagged(need(Help.of(command).entries("Environment"), "environment"))


def part_verbatim(part: str):
    return lambda command: example(need(Help.of(command).verbatim(part), part))


FILLERS = {
    "OPTIONS": options,
    "COMMANDS": commands,
    "SETTINGS": settings,
    "ENVIRONMENT": environment,
    "EXAMPLES": part_verbatim("Examples"),
    "EXIT": part_verbatim("Exit status"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--date", required=True)
    parser.add_argument("--program", required=True)
    arguments = parser.parse_args()
    page = arguments.page.read_text(encoding="utf-8")
    page = page.replace("@VERSION@", arguments.version).replace("@DATE@", arguments.date)
    for line in page.splitlines():
        filler = re.fullmatch(r"@([A-Z]+)@", line)
        if filler:
            print("\n".join(FILLERS[filler.group(1)]([arguments.program])))
        else:
            print(line)


if __name__ == "__main__":
    main()
