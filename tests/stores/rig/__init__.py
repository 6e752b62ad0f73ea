"""Real storage servers for the tests: each on free ports of the loopback, in a throw-away folder, gone with this process."""


class Unavailable(Exception):
    """This server could not be had here; the text says why, for people."""
