#!/usr/bin/python3
"""Adds up test reports in JUnit form and prints one closing line.

count_results.py FOLDER --failed-steps N    the totals of FOLDER/*.xml; exit status 1 unless all is well
count_results.py --write FILE NAME RESULT   writes a report of one test (RESULT: passed or failed)
"""

import argparse
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def write(path: str, name: str, result: str) -> None:
    suite = ElementTree.Element("testsuite", name=name, tests="1")
    case = ElementTree.SubElement(suite, "testcase", name=name)
    if result == "failed":
        ElementTree.SubElement(case, "failure")
    ElementTree.ElementTree(suite).write(path)


def outcome(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        return "failed"
    if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "passed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path)
    parser.add_argument("--failed-steps", type=int, default=0)
    parser.add_argument("--write", nargs=3, metavar=("FILE", "NAME", "RESULT"))
    options = parser.parse_args()
    if options.write:
        write(*options.write)
        return 0
    if options.folder is None:
        parser.error("a folder of reports is needed")

    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for report in sorted(options.folder.glob("*.xml")):
        suites = {"passed": 0, "failed": 0, "skipped": 0}
        for case in ElementTree.parse(report).iter("testcase"):
            suites[outcome(case)] += 1
            if outcome(case) == "failed":
                print(f"FAILED {report.stem}: {case.get('classname', '')} {case.get('name')}")
        for result, count in suites.items():
            totals[result] += count
    # A step that died before it wrote a report (a build, a check) must not vanish from the sum.
    if options.failed_steps and not totals["failed"]:
        totals["failed"] = options.failed_steps
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped")
    if totals["passed"] + totals["failed"] == 0:
        print("no test ran", file=sys.stderr)
        return 1
    return 1 if totals["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
