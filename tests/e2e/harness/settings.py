"""Configuration files for tests: the one place that knows the names of its keys."""


def references(folders=(), exceptions=()):
    """References to files below `folders`, and past the outbound guard to the `exceptions` (HOST:PORT or an address)."""
    lines = ["references:"]
    if folders:
        lines += ["  files:", *(f"    - {folder}" for folder in folders)]
    if exceptions:
        lines += ["  http:", "    exceptions:", *(f'      - "{exception}"' for exception in exceptions)]
    return "\n".join(lines) + "\n"


def quota(size=None, images=None):
    """Limits of every account."""
    lines = ["quotas:"]
    if size is not None:
        lines.append(f"  bytes: {size}")
    if images is not None:
        lines.append(f"  images: {images}")
    return "\n".join(lines) + "\n"


def largest_image(size):
    return f"limits:\n  largest_image: {size}\n"


VISOR_SCHEME_OFF = "accounts:\n  visor_signatures: false\n"
ANONYMOUS_READ = "accounts:\n  anonymous_read: true\n"
UNSIGNED_PAYLOAD = "accounts:\n  unsigned_payload: allowed\n"


def timeouts(head=None, idle=None):
    lines = ["limits:"]
    if head is not None:
        lines.append(f"  header_timeout: {head}")
    if idle is not None:
        lines.append(f"  idle_timeout: {idle}")
    return "\n".join(lines) + "\n"


def slowest_transfer(rate, window):
    return f"limits:\n  body_minimum_rate: {rate}\n  answer_minimum_rate: {rate}\n  rate_window: {window}\n"


def log_level(level):
    return f"log:\n  level: {level}\n"
