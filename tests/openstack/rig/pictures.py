"""Small disk images of the kinds that image services look into."""

import hashlib
import struct

CLUSTER = 65536


def raw(size=256 * 1024, seed="raw"):
    """Bytes that no one takes for another format."""
    return b"".join(hashlib.sha512(f"{seed} {number}".encode()).digest() for number in range(size // 64))


def qcow2(virtual_size=10 << 20):
    """An empty disk of QCOW2 version 3, as in its specification: header, refcount table and block, L1 table. A cluster each."""
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", 3, 0, 0, 16, virtual_size, 0, 1, 3 * CLUSTER, 1 * CLUSTER, 1, 0, 0, 0, 0, 0, 4, 104)
    table = struct.pack(">Q", 2 * CLUSTER)
    block = struct.pack(">4H", 1, 1, 1, 1)
    return b"".join(part.ljust(CLUSTER, b"\0") for part in (header, table, block, b""))
