"""Who runs in a session: what a test starts with start_new_session=True, and all that this starts in its turn."""

import os
import signal
import time
from pathlib import Path

PATIENCE_S = 10


def of_session(session: int) -> dict[int, str]:
    """The processes that run in it, with their command lines."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, *numbers = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(numbers[2]) == session and state not in "ZX":
                found[int(folder.name)] = (folder / "cmdline").read_text()
        except OSError:  # it has just ended
            continue
    return found


def require_end_of_session(session: int) -> None:
    """Trackers and fork servers see that their parent has ended only a moment later."""
    deadline = time.monotonic() + PATIENCE_S
    while (left := of_session(session)) and time.monotonic() < deadline:
        time.sleep(0.01)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left
