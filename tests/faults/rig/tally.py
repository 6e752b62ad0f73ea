"""Counts for the one line at the end. Each xdist worker keeps its own; conftest.py adds them up."""

import collections

counts = collections.Counter()
longest_of = {}


def add(name, number=1):
    counts[name] += number


def longest(name, value):
    longest_of[name] = max(longest_of.get(name, 0), round(value))


def exported():
    return {"counts": dict(counts), "longest": dict(longest_of)}


def merge(other):
    counts.update(other["counts"])
    for name, value in other["longest"].items():
        longest(name, value)


def summary(violations):
    parts = [f"{counts['kill points']:,} kill points ({counts['kills']:,} reached)", f"{counts['power cuts']:,} power cuts"]
    parts += [f"{counts['injected errors']:,} injected errors", f"{violations:,} violations"]
    return "faults: " + ", ".join(parts)


def details():
    known = ("kill points", "kills", "power cuts", "injected errors")
    lines = [f"  {name}: {number:,}" for name, number in sorted(counts.items()) if name not in known]
    return lines + [f"  longest {name}: {value:,}" for name, value in sorted(longest_of.items())]
