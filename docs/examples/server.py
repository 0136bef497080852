"""Ask a server that takes a tenth of a second to answer."""

import time


def ask() -> str:
    """Return the answer; the wait needs no GIL, as that of a socket."""
    time.sleep(0.1)
    return "42"
