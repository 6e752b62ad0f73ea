"""What became of each test of a stestr run: outcome.py SUBUNIT JUNIT SUMMARY. Run by the Python that has subunit.

Exit status 1 unless every test that ran has passed, and one did.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree

import subunit
import testtools

# A test that passes against what it says doesn't work fails, too.
OUTCOMES = {"success": "passed", "xfail": "passed", "skip": "skipped"}


def tests_of(stream):
    found = []
    result = testtools.StreamToDict(found.append)
    result.startTestRun()
    subunit.ByteStreamToStreamResult(stream, non_subunit_name="stdout").run(result)
    result.stopTestRun()
    return sorted((test for test in found if test["status"] != "exists"), key=lambda test: test["id"])


def text_of(test):
    """What it has to say: the reason of a skip, or the trace of a failure."""
    return "\n".join(detail.as_text() for name, detail in sorted(test["details"].items()) if name in ("reason", "traceback")
                     ).strip() or "\n".join(detail.as_text() for detail in test["details"].values()).strip()


def seconds_of(test):
    begun, ended = test["timestamps"]
    return (ended - begun).total_seconds() if begun and ended else 0.0


def write_junit(tests, path):
    suite = ElementTree.Element("testsuite", name="tempest", tests=str(len(tests)))
    for test in tests:
        group, _, name = test["id"].split("[")[0].rpartition(".")
        case = ElementTree.SubElement(suite, "testcase", classname=group, name=name or test["id"], time=f"{seconds_of(test):.3f}")
        outcome = OUTCOMES.get(test["status"], "failed")
        if outcome != "passed":
            ElementTree.SubElement(case, "skipped" if outcome == "skipped" else "failure", message=text_of(test)[:4000])
    ElementTree.ElementTree(suite).write(path)


def main(recorded, junit, summary):
    with open(recorded, "rb") as stream:
        tests = tests_of(stream)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for test in tests:
        outcome = OUTCOMES.get(test["status"], "failed")
        counts[outcome] += 1
        name = test["id"].split("[")[0]
        if outcome == "skipped":
            print(f"skipped: {name}: {text_of(test).splitlines()[0] if text_of(test) else 'no reason given'}")
        elif outcome == "failed":
            print(f"FAILED: {name}\n{text_of(test)}")
    write_junit(tests, junit)
    lines = [f"{outcome}: {count}" for outcome, count in counts.items()]
    pathlib.Path(summary).write_text("\n".join(lines) + "\n")
    print(", ".join(lines))
    return 0 if counts["passed"] and not counts["failed"] else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
