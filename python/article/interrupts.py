"""The signals that end a program: which they are, and how to keep them for later."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def held_back(*numbers: signal.Signals) -> Iterator[None]:
    """Keep these signals for later: what is started meanwhile never sees them, and what is made is not lost."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
