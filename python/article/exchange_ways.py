"""The ways that exchange.py measures: each opens an end here, with somebody at the other one, and leaves nothing."""

import multiprocessing
import multiprocessing.connection
import os
import platform
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any, NamedTuple

import exchange_peer
import subinterpreters
from exchange_peer import End
from interrupts import held_back

LOOK_EVERY_SECONDS = 0.5
JOIN_SECONDS = 10.0
LENGTH_BYTES = 8


class PeerError(Exception):
    """The other side ended before its time."""


class UnavailableError(Exception):
    """This Python, or this machine, does not have the way; the message says why."""


class Way(NamedTuple):
    """A way to pass bytes."""

    name: str
    between: str
    # Of the start method and the largest message: a context that is entered for the end of this side.
    open: Callable[[str, int], AbstractContextManager[End]]


@contextmanager
def _watched(is_alive: Callable[[], bool], fate: Callable[[], str]) -> Iterator[None]:
    """Raise PeerError, out of whatever waits, once the other side is not there any more."""

    def look(*_: object) -> None:
        if not is_alive():
            raise PeerError(f"the other side has ended: {fate()}")

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOK_EVERY_SECONDS, LOOK_EVERY_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _stop(end: End) -> None:
    """End serve() at the other side, whatever it is doing."""
    end.send(b"")
    end.send(b"")


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)


def _serve_in_process(make_end: Callable[..., End], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        exchange_peer.serve(make_end(*arguments))
    except (EOFError, BrokenPipeError):
        pass
    except Exception as error:
        sys.exit(f"exchange.py: the other process: {error!r}")


@contextmanager
def _with_process(context: Any, end: End, make_end: Callable[..., End], arguments: tuple[Any, ...]) -> Iterator[End]:
    """Start the other side in a process; the caller holds interrupts back."""
    process = context.Process(target=_serve_in_process, args=(make_end, arguments))
    process.start()
    try:
        with _watched(process.is_alive, lambda: f"exit code {process.exitcode}"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
            end.receive()
            yield end
        _stop(end)
        process.join(JOIN_SECONDS)
    finally:
        process.kill()
        process.join()


class QueueEnd(NamedTuple):
    """Two queues of one interpreter, or of multiprocessing."""

    send: Callable[[bytes], None]
    receive: Callable[[], bytes]


def _queue_end(get_from: Any, put_to: Any) -> QueueEnd:
    return QueueEnd(put_to.put, get_from.get)


def _connection_end(connection: Any) -> QueueEnd:
    return QueueEnd(connection.send, connection.recv)


class SharedMemoryEnd:
    """A block of shared memory that holds one message, whoever sent it, and semaphores that say whose turn it is."""

    def __init__(self, memory: SharedMemory, is_free: Any, came: Any, sent: Any) -> None:
        """Share the block with the other side, which has the two last semaphores the other way round."""
        self._memory = memory
        self.largest = memory.size - LENGTH_BYTES
        self._is_free, self._came, self._sent = is_free, came, sent

    def send(self, message: bytes) -> None:
        """Wait until the last message is taken, then copy this one into the block."""
        self._is_free.acquire()
        buffer = self._memory.buf
        assert buffer is not None
        buffer[:LENGTH_BYTES] = len(message).to_bytes(LENGTH_BYTES, "little")
        buffer[LENGTH_BYTES : LENGTH_BYTES + len(message)] = message
        self._sent.release()

    def receive(self) -> bytes:
        """Wait for a message, and copy it out of the block."""
        self._came.acquire()
        buffer = self._memory.buf
        assert buffer is not None
        length = int.from_bytes(buffer[:LENGTH_BYTES], "little")
        message = bytes(buffer[LENGTH_BYTES : LENGTH_BYTES + length])
        self._is_free.release()
        return message


@contextmanager
def _open_process_queue(start_method: str, _: int) -> Iterator[End]:
    context = multiprocessing.get_context(start_method)
    with held_back(signal.SIGINT):
        to_here, to_there = context.Queue(), context.Queue()
        try:
            with _with_process(context, _queue_end(to_here, to_there), _queue_end, (to_there, to_here)) as end:
                yield end
        except BaseException:
            # Nobody reads any more what its thread still writes.
            to_there.cancel_join_thread()
            raise
        for each in (to_here, to_there):
            each.close()
            each.join_thread()


@contextmanager
def _open_process_pipe(start_method: str, _: int) -> Iterator[End]:
    context = multiprocessing.get_context(start_method)
    with held_back(signal.SIGINT):
        here, there = context.Pipe()
        with here, there, _with_process(context, _connection_end(here), _connection_end, (there,)) as end:
            yield end


@contextmanager
def _open_shared_memory(start_method: str, largest: int) -> Iterator[End]:
    context = multiprocessing.get_context(start_method)
    room = os.statvfs("/dev/shm")  # noqa: S108
    # Writing where there is no room would kill the process. The rest is for the semaphores.
    size = min(largest + LENGTH_BYTES, room.f_bavail * room.f_frsize - 65536)
    if size <= LENGTH_BYTES:
        raise UnavailableError("there is no room in /dev/shm")
    with held_back(signal.SIGINT), ExitStack() as stack:
        memory = SharedMemory(create=True, size=size)
        stack.callback(memory.unlink)
        stack.callback(memory.close)
        is_free, to_here, to_there = context.Semaphore(1), context.Semaphore(0), context.Semaphore(0)
        here = SharedMemoryEnd(memory, is_free, to_here, to_there)
        yield stack.enter_context(_with_process(context, here, SharedMemoryEnd, (memory, is_free, to_there, to_here)))


@contextmanager
def _with_thread(end: End, target: Callable[[], None], leave: Callable[[], None]) -> Iterator[End]:
    """Start the other side in a thread; leave() makes it end whatever it does."""
    failures: list[str] = []

    def run() -> None:
        try:
            target()
        except Exception as error:
            failures.append(str(error))

    with held_back(signal.SIGINT):
        thread = threading.Thread(target=run)
        thread.start()
        try:
            with _watched(thread.is_alive, lambda: "".join(failures).strip() or "its thread is over"):
                signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
                end.receive()
                yield end
        finally:
            leave()
            thread.join()


@contextmanager
def _open_thread_queue(_: str, __: int) -> Iterator[End]:
    to_here: queue.Queue[bytes] = queue.Queue()
    to_there: queue.Queue[bytes] = queue.Queue()
    here, there = _queue_end(to_here, to_there), _queue_end(to_there, to_here)
    with _with_thread(here, lambda: exchange_peer.serve(there), lambda: _stop(here)) as end:
        yield end


def _require(version: tuple[int, int], why: str) -> None:
    if sys.version_info < version:
        raise UnavailableError(f"Python {platform.python_version()} {why}")


def _in_subinterpreter(function: Callable[[int, int], None], *arguments: int) -> None:
    """Call a function of exchange_peer there."""
    folder = str(Path(__file__).resolve().parent)
    subinterpreters.execute(
        f"import sys\nsys.path.insert(0, {folder!r})\nimport exchange_peer\n"
        f"exchange_peer.{function.__name__}{arguments}"
    )


@contextmanager
def _open_interpreter_queue(_: str, __: int) -> Iterator[End]:
    _require((3, 13), "has no queue between interpreters")
    with ExitStack() as stack:
        (to_here, forget_one), (to_there, forget_other) = exchange_peer.create_queue(), exchange_peer.create_queue()
        stack.callback(forget_one)
        stack.callback(forget_other)
        here = exchange_peer.InterpreterQueueEnd(to_here, to_there)
        yield stack.enter_context(
            _with_thread(
                here,
                lambda: _in_subinterpreter(exchange_peer.serve_queues, to_there, to_here),
                lambda: _stop(here),
            )
        )


@contextmanager
def _open_interpreter_pipe(_: str, __: int) -> Iterator[End]:
    _require((3, 12), "has sub-interpreters that share one GIL, and so are no way out of it")
    from_there, to_here = os.pipe()
    from_here, to_there = os.pipe()
    here = exchange_peer.PipeEnd(from_there, to_there)
    with _with_thread(
        here, lambda: _in_subinterpreter(exchange_peer.serve_pipe, from_here, to_here), here.close
    ) as end:
        yield end


WAYS = (
    Way("multiprocessing.Queue", "processes", _open_process_queue),
    Way("multiprocessing.Pipe", "processes", _open_process_pipe),
    Way("shared_memory", "processes", _open_shared_memory),
    Way("queue.Queue", "threads", _open_thread_queue),
    Way("interpreters.Queue", "sub-interpreters", _open_interpreter_queue),
    Way("os.pipe", "sub-interpreters", _open_interpreter_pipe),
)


def start_helpers() -> None:
    """Start what multiprocessing needs besides: doing so later would let interrupts through in between."""
    resource_tracker.ensure_running()
