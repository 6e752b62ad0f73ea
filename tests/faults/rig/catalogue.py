"""The catalogue's file as it is, read beside the server (docs/formats/catalogue.md and records.md)."""

import collections
import contextlib
import json
import sqlite3


class Snapshot:
    """One consistent view of the file. `integrity` is what SQLite itself says of it."""

    def __init__(self, path):
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
            database.execute("BEGIN")
            self.integrity = database.execute("PRAGMA quick_check(1)").fetchone()[0]
            names = list(database.execute("SELECT number, collection, name, records FROM names"))
            collection_of = {number: collection for number, collection, _, _ in names}
            self.counts = {number: records for number, _, name, records in names if records or name}
            self.records = collections.defaultdict(dict)
            self.encoded_facts = {}  # by place: the collection's number, the id, the facts
            for place, number, name, facts, document in database.execute(
                "SELECT number, collection, id, facts, document FROM records"
            ):
                self.records[collection_of[number].decode()][name.decode()] = json.loads(document)
                self.encoded_facts[place] = number, name, facts
            self.facts = collections.Counter(database.execute("SELECT name, value, number, prefix FROM facts"))
            self.counters = {name.decode(): value for name, value in database.execute("SELECT name, value FROM counters")}

    def expected_facts(self):
        """The rows of `facts` and the counts of `names` that follow from the records."""
        rows, counts = collections.Counter(), collections.Counter()
        for place, (collection, record, encoded) in self.encoded_facts.items():
            prefix = int.from_bytes(record[:8].ljust(8, b"\0"), "big") - 2**63
            distinct = {(collection, b""), *decoded(encoded)}
            for name, value in distinct:
                rows[name, value, place, prefix] += 1
            for name in {name for name, _ in distinct}:
                counts[name] += 1
        return rows, dict(counts)


def decoded(encoded):
    place = 0

    def number():
        nonlocal place
        value = shift = 0
        while True:
            byte = encoded[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(encoded):
        name, length = number(), number()
        yield name, encoded[place : place + length]
        place += length
