"""Tasks that the integration tests give to `gilscope compare`: each does one thing that some mode may not like."""

import asyncio
import os
import sys
import threading
from pathlib import Path


def count(n=300_000):
    """CPU-bound bytecode, a few milliseconds of it."""
    total = 0
    for i in range(n):
        total += i
    return total


def count_long():
    """CPU-bound for many switch intervals, on any machine."""
    return count(3_000_000)


async def wait():
    """Waiting for I/O, as asyncio likes it."""
    await asyncio.sleep(0.2)
    return "waited"


async def meet(seconds=0.05):
    """Three steps, between which other tasks may run."""
    for _ in range(3):
        await asyncio.sleep(seconds)
    return seconds


def raise_error():
    """Fails."""
    raise ValueError("no good")


def raise_escape_sequence():
    """Fails with words that would clear a terminal."""
    raise ValueError("\x1b[2Jcleared\x07")


def exit_with_code():
    """Ends as a script may, not well."""
    sys.exit(7)


def exit_well():
    """Ends as a script may."""
    sys.exit(0)


def leave_process():
    """Ends the process without a word."""
    os._exit(3)


def crash():
    """Kills its interpreter."""
    os.kill(os.getpid(), 11)


def hang():
    """Never ends, nor does the process it started, which has left the group."""
    import subprocess

    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True)
    threading.Event().wait()


def print_much():
    """100 MB on standard output, and as much on standard error."""
    for stream in (sys.stdout, sys.stderr):
        for _ in range(100):
            stream.write("x" * 1_000_000)


def only_in_main_thread():
    """What asks for the main thread, as signal.signal() does."""
    import signal

    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def import_what_refuses_subinterpreters():
    """faulthandler's module refuses isolated interpreters on every version."""
    import readline

    return readline.__name__


def fork():
    """Forbidden in an isolated interpreter."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def start_daemon_thread():
    """Forbidden in an isolated interpreter."""
    threading.Thread(target=threading.Event().wait, daemon=True).start()


def leave_raw_thread():
    """A thread that nobody joins, alive when its interpreter ends."""
    import _thread

    _thread.start_new_thread(threading.Event().wait, ())


def import_ssl_first():
    """What corrupted the heap of 3.12.1, and aborted 3.13.0, in isolated interpreters."""
    import asyncio
    import datetime
    import decimal
    import hashlib
    import ssl

    names = [module.__name__ for module in (ssl, hashlib, asyncio, datetime, decimal)]
    return names, str(datetime.date(2024, 1, 1)), str(decimal.Decimal(1) / 3)


def call_by_keyword():
    """What made 3.12.1 abort at the end of the main interpreter."""
    import hashlib
    import pickle

    return hashlib.blake2b(pickle.dumps(1, protocol=5), digest_size=8).hexdigest()


def where():
    """What a task sees of the command line."""
    return sys.argv[1:], Path(sys.argv[0]).name, Path(sys.path[0]).name, __name__


def process_id():
    """Differs between processes."""
    return os.getpid()


def unpicklable():
    """Nobody can compare it."""
    return lambda: 1


def unordered():
    """Its order is that of the hash seed."""
    return {str(i) for i in range(50)}


def which_binary():
    """The program that runs the task."""
    return str(Path("/proc/self/exe").readlink())


def use_multiprocessing():
    """A task that has processes of its own."""
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.map(abs, [-1, -2])


NOT_A_FUNCTION = 3
