"""What became of each test of a stestr run: outcome.py IDS SUBUNIT JUNIT SUMMARY. Run by the Python that has subunit.

IDS are those that stestr listed, one a line. A class that could not be set up reports that and none of its tests; here each of them
has that outcome. One that was never heard of has failed. Exit status 1 unless every test that ran has passed, and one did.
"""

import collections
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

import subunit
import testtools

# Another one, such as a test that passes against what it says, is a failure.
OUTCOMES = {"success": "passed", "xfail": "passed", "skip": "skipped"}
FIXTURE = re.compile(r"(?:setUp|tearDown)Class \((?P<group>[\w.]+)\)")

Test = collections.namedtuple("Test", "group name outcome text seconds")


def records(stream):
    """(id, outcome, text, seconds) of everything that reported, fixtures of classes too."""
    found = []
    result = testtools.StreamToDict(found.append)
    result.startTestRun()
    subunit.ByteStreamToStreamResult(stream, non_subunit_name="stdout").run(result)
    result.stopTestRun()
    for each in found:
        if each["status"] != "exists":
            begun, ended = each["timestamps"]
            seconds = (ended - begun).total_seconds() if begun and ended else 0.0
            yield each["id"], OUTCOMES.get(each["status"], "failed"), text_of(each["details"]), seconds


def text_of(details):
    """The reason of a skip, or the trace of a failure, or whatever else there is."""
    telling = [detail for name, detail in sorted(details.items()) if name in ("reason", "traceback")]
    return "\n".join(detail.as_text() for detail in telling or details.values()).strip()


def outcomes(ids, stream):
    """A Test for each id, by name."""
    heard, fixtures = {}, {}
    for name, *rest in records(stream):
        fixture = FIXTURE.match(name)
        # A fixture that fails after the tests of its class has not spoilt them, and must not vanish.
        (fixtures if fixture and name.startswith("setUp") else heard)[fixture.group("group") if fixture else name] = rest
    for name in sorted(set(ids) | set(heard)):
        group, _, short = name.split("[")[0].rpartition(".")
        yield Test(group, short, *(heard.get(name) or fixtures.get(group) or ("failed", "it never reported", 0.0)))


def write_junit(tests, path):
    suite = ElementTree.Element("testsuite", name="tempest", tests=str(len(tests)))
    for test in tests:
        case = ElementTree.SubElement(suite, "testcase", classname=test.group, name=test.name, time=f"{test.seconds:.3f}")
        if test.outcome != "passed":
            ElementTree.SubElement(case, "skipped" if test.outcome == "skipped" else "failure", message=test.text[:4000])
    ElementTree.ElementTree(suite).write(path)


def main(ids, recorded, junit, summary):
    with open(recorded, "rb") as stream:
        tests = list(outcomes(pathlib.Path(ids).read_text().split(), stream))
    for test in tests:
        if test.outcome == "skipped":
            print(f"skipped: {test.group}.{test.name}: {test.text.splitlines()[0] if test.text else 'no reason given'}")
        elif test.outcome == "failed":
            print(f"FAILED: {test.group}.{test.name}\n{test.text}")
    write_junit(tests, junit)
    counts = collections.Counter(test.outcome for test in tests)
    lines = [f"{outcome}: {counts[outcome]}" for outcome in ("passed", "failed", "skipped")]
    pathlib.Path(summary).write_text("\n".join(lines) + "\n")
    print(", ".join(lines))
    return 0 if counts["passed"] and not counts["failed"] else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
