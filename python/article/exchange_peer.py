"""What exchange.py says to its other side, and the ends of the ways that a sub-interpreter can hold.

A sub-interpreter imports this file, so it imports nothing that only some of them can load. An end is whatever
has send() and receive(); an empty message ends what is going on, and so does the end of a pipe.
"""

import importlib
import os
import sys
import time
import zlib
from typing import Any, Protocol

ENDS_BYTES = 4096
# As concurrent.interpreters.Queue.get() of 3.14 does: a queue between interpreters wakes nobody up.
POLL_SECONDS = 0.010
_SHARED_AS_IT_IS = 0
_ITEM_OUTLIVES_ITS_INTERPRETER = 3


class End(Protocol):
    """One side of a way through which messages go to and fro."""

    def send(self, message: bytes, /) -> None:
        """Send a message; it may be on its way still when this returns."""

    def receive(self) -> bytes:
        """Wait for the next message, and return it."""


def checksum(message: bytes) -> int:
    """Return a checksum of both ends of a message: all of it would take longer than to pass it."""
    return zlib.crc32(message[-ENDS_BYTES:], zlib.crc32(message[:ENDS_BYTES]))


def report(total: int, last: bytes) -> bytes:
    """Return what the other side tells of a burst: how many bytes came, and the checksum of the last message."""
    return b"%d bytes, checksum %d" % (total, checksum(last))


def serve(end: End) -> None:
    """Be the other side: say that it is there, then answer until an empty message instead of an order.

    An order is the number of messages in a burst. After it come, as often as the asker likes, one message,
    which is sent back, and a burst, which is answered by one byte and then by a report.
    """
    end.send(b"ready")
    while order := end.receive():
        burst = range(int(order))
        while message := end.receive():
            end.send(message)
            total = 0
            for _ in burst:
                message = end.receive()
                if not message:
                    return
                total += len(message)
            end.send(b".")
            end.send(report(total, message))


class PipeEnd:
    """The ends of two os.pipe(): each message is its length in eight bytes, then itself."""

    def __init__(self, read_from: int, write_to: int) -> None:
        """Own the two descriptors from now on."""
        self._reader = open(read_from, "rb")  # noqa: SIM115
        self._write_to = write_to

    def send(self, message: bytes) -> None:
        """Write it, however many writes that takes."""
        os.write(self._write_to, len(message).to_bytes(8, "little"))
        rest = memoryview(message)
        while rest:
            rest = rest[os.write(self._write_to, rest) :]

    def receive(self) -> bytes:
        """Read one message; the end of the pipe reads as an empty one."""
        length = int.from_bytes(self._reader.read(8), "little")
        message: bytes = self._reader.read(length)
        return message if len(message) == length else b""

    def close(self) -> None:
        """Close both; the other side, wherever it is, is told by the system."""
        self._reader.close()
        os.close(self._write_to)


def serve_pipe(read_from: int, write_to: int) -> None:
    """Be the other side of two pipes until they end."""
    end = PipeEnd(read_from, write_to)
    try:
        serve(end)
    except BrokenPipeError:
        pass
    finally:
        end.close()


class _PrivateQueue:
    """A queue between interpreters as 3.13 has it: the same thing as 3.14's, without the class for it."""

    def __init__(self, queue_id: int) -> None:
        self._queues = importlib.import_module("_interpqueues")
        self._id = queue_id

    def put(self, message: bytes) -> None:
        self._queues.put(self._id, message, _SHARED_AS_IT_IS, _ITEM_OUTLIVES_ITS_INTERPRETER)

    def get(self) -> bytes:
        while not self._queues.get_count(self._id):
            time.sleep(POLL_SECONDS)
        message: bytes = self._queues.get(self._id)[0]
        return message


class InterpreterQueueEnd:
    """Two queues between interpreters, by their numbers."""

    def __init__(self, get_from: int, put_to: int) -> None:
        """Use queues that create_queue() made and that somebody else keeps."""
        queue: Any = _PrivateQueue
        if sys.version_info >= (3, 14):
            queue = importlib.import_module("concurrent.interpreters").Queue
        self._get_from, self._put_to = queue(get_from), queue(put_to)
        self.send = self._put_to.put
        self.receive = self._get_from.get


def create_queue() -> tuple[int, Any]:
    """Return the number of a new queue between interpreters, and what to call when it is not needed any more."""
    if sys.version_info >= (3, 14):
        queue = importlib.import_module("concurrent.interpreters").create_queue()
        return queue.id, lambda _kept=queue: None
    queues = importlib.import_module("_interpqueues")
    queue_id: int = queues.create(0, _SHARED_AS_IT_IS, _ITEM_OUTLIVES_ITS_INTERPRETER)
    return queue_id, lambda: queues.destroy(queue_id)


def serve_queues(get_from: int, put_to: int) -> None:
    """Be the other side of two queues between interpreters."""
    serve(InterpreterQueueEnd(get_from, put_to))
