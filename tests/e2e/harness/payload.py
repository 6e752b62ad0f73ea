"""Image data: the same bytes for the same name and size, and no two alike."""

import hashlib
import random


def data(size, name="payload"):
    return random.Random(f"{name}/{size}").randbytes(size)


def iso(size=65536):
    """What a recogniser takes for an ISO 9660 image: the primary volume descriptor in sector 16."""
    image = bytearray(data(size, "iso"))
    image[32768:32774] = b"\x01CD001"
    return bytes(image)


def md5(content):
    return hashlib.md5(content).hexdigest()


def sha256(content):
    return hashlib.sha256(content).hexdigest()
