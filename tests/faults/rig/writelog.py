"""The log of all writes to a block device, in the format of Linux's dm-log-writes, and disks as a power cut leaves them.

Format: https://docs.kernel.org/admin-guide/device-mapper/log-writes.html and include/linux's struct log_write_entry.
"""

import os
import random
import struct

SECTOR = 512
BLOCK = 4096
MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8


class Entry:
    """One write: where it went on the disk (bytes), and where its data lies in the log (bytes)."""

    def __init__(self, place, size, flags, start, data):
        self.place, self.size, self.flags, self.start, self.data = place, size, flags, start, data


def read(path):
    """All entries, in the order in which the device got them."""
    entries = []
    with open(path, "rb") as log:
        magic, version, number, sector = struct.unpack("<QQQL", log.read(28))
        assert (magic, version, sector) == (MAGIC, 1, SECTOR), "this is no write log"
        position = SECTOR
        for _ in range(number):
            log.seek(position)
            where, sectors, flags, length = struct.unpack("<QQQQ", log.read(32))
            data = position + SECTOR
            size = 0 if flags & DISCARD else sectors * SECTOR
            entries.append(Entry(where * SECTOR, size, flags, position, data))
            position = data + size + (length if flags & MARK else 0)
    return entries


def end_of_data(path, begin=0):
    """How far the log is written, rounded up to a page at most: everything before this call lies below."""
    with open(path, "rb") as log:
        end = begin
        while True:
            try:
                end = os.lseek(log.fileno(), os.lseek(log.fileno(), end, os.SEEK_DATA), os.SEEK_HOLE)
            except OSError:  # no data behind it
                return end


class Replay:
    """The disk as it was after the first `done` entries; grows forward."""

    def __init__(self, disk, log, entries):
        self.disk, self.log, self.entries = disk, log, entries
        self.done = 0

    def forward(self, count):
        assert count >= self.done
        with open(self.log, "rb") as log, open(self.disk, "r+b") as disk:
            for entry in self.entries[self.done : count]:
                write(log, disk, entry)
        self.done = count

    def with_losses(self, copy, count, seed):
        """Onto a copy of the disk: the first `count` entries, but of those after the last flush any may be missing or torn.

        A disk may keep what no flush forced out in any order, and of one write some of its blocks. (Not a part of a block:
        the file system itself would not survive that, since its first block is one.) Needs `done` to be no further than
        `last_flush(count)`.
        """
        chance = random.Random(seed)
        with open(self.log, "rb") as log, open(copy, "r+b") as disk:
            for entry in self.entries[self.done : count]:
                fate = "kept" if entry.flags & FUA else chance.choice(("kept", "kept", "lost", "lost", "torn"))
                if fate == "kept":
                    write(log, disk, entry)
                elif fate == "torn":
                    for part in range(0, entry.size, BLOCK):
                        if chance.random() < 0.5:
                            write(log, disk, Entry(entry.place + part, min(BLOCK, entry.size - part), 0, 0, entry.data + part))

    def last_flush(self, count):
        """The number of entries that a flush made durable when `count` were written."""
        for number in range(count, 0, -1):
            if self.entries[number - 1].flags & FLUSH:
                return number
        return 0


def write(log, disk, entry):
    log.seek(entry.data)
    disk.seek(entry.place)
    disk.write(log.read(entry.size))
