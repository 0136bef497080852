"""Tasks that the integration tests give to `gilscope compare`: each does one thing that some mode may not like."""

import asyncio
import itertools
import mmap
import os
import sys
import threading
import time
from pathlib import Path

# Of work_then_wait(), in ns: at least.
WORK_NS, WAIT_NS = 5_000_000, 10_000_000
# Of meet_in_a_loop().
IN_THE_LOOP = 8


def count(n=10_000):
    """Bytecode that needs a CPU."""
    return sum(i for i in range(n))


def work_then_wait():
    """Has the GIL and a CPU for 5 ms, then does without both for 10 ms."""
    end = time.thread_time_ns() + WORK_NS
    while time.thread_time_ns() < end:
        pass
    time.sleep(WAIT_NS / 1e9)


async def wait():
    """Waiting for I/O, as asyncio likes it."""
    await asyncio.sleep(0.001)
    return "waited"


def meet():
    """Ends once another one is there, and gives up no GIL meanwhile: who needs it must have it taken away.

    They know each other by a folder: threads, interpreters and processes share nothing else.
    """
    folder = Path(sys.argv[1])
    number = next(number for number in itertools.count() if claims(folder / str(number)))
    with (folder / "arrived").open("r+b") as file:
        arrived = mmap.mmap(file.fileno(), 0)
    arrived[number] = 1
    while not arrived[number ^ 1]:
        pass


def claims(file):
    """Whether nobody was here before."""
    try:
        file.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


present: list[int] = []


async def meet_in_a_loop():
    """Ends once eight are in this event loop."""
    present.append(1)
    while len(present) < IN_THE_LOOP:
        await asyncio.sleep(0)


def raise_error():
    """Fails with words that would clear a terminal."""
    raise ValueError("no good\x1b[2J\x07")


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
    """Never ends, nor does the process it started, which has left the group; the file says that both are there."""
    import subprocess

    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True)
    Path(sys.argv[1]).touch()
    threading.Event().wait()


def print_much():
    """More than a pipe holds, on standard output and standard error."""
    for stream in (sys.stdout, sys.stderr):
        stream.write("x" * 1_000_000)


def only_in_main_thread():
    """What asks for the main thread, as signal.signal() does; its result is another in each process."""
    import signal

    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    return os.getpid()


def try_what_is_forbidden():
    """Fails with what an isolated interpreter says to each."""
    said = []
    for attempt in (fork, start_daemon_thread, import_what_refuses_subinterpreters):
        try:
            attempt()
        except Exception as error:
            said.append(str(error))
    raise RuntimeError("; ".join(said))


def fork():
    """A child that ends at once."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def start_daemon_thread():
    """A thread that nobody joins."""
    threading.Thread(target=threading.Event().wait, daemon=True).start()


def import_what_refuses_subinterpreters():
    """On every version."""
    import readline

    return readline.__name__


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
