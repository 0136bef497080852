"""Threads have the names that Python, or else the kernel, knows them by.

Only here native threads (as a C++ library has them) take the GIL, whose names Python does not know, and green threads
(as gevent and eventlet have them) run in a thread that keeps its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytestmark = pytest.mark.usefixtures("only_with_a_gil")

if TYPE_CHECKING:
    from tests.integration.conftest import Summarize

# Threads of the C library that call Python: `start` makes one, which has the name of the thread that makes it.
NATIVE = """
import ctypes, threading
libc = ctypes.CDLL(None)
kept = []

def name_in_kernel(name):
    libc.prctl(15, name.encode(), 0, 0, 0)

def start(work):
    thread = ctypes.c_ulong()
    kept.append(ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(work))
    assert libc.pthread_create(ctypes.byref(thread), None, kept[-1], None) == 0
    return thread

def join(thread):
    assert libc.pthread_join(thread, None) == 0

def work(_): sum(range(100_000))
"""


def names(document: dict[str, Any]) -> list[str | None]:
    """Of the threads of the first process."""
    return [thread["name"] for thread in document["processes"][0]["threads"]]


@pytest.mark.contract
def test_native_threads_have_the_names_that_the_kernel_has(summarize: Summarize) -> None:
    code = """
is_there, is_over = threading.Event(), threading.Event()
def stay(_):  # for before 3.13 another one at the address of one that has ended is taken for it
    threading.current_thread()  # which Python calls Dummy-1 from then on
    is_there.set()
    is_over.wait()
def make():
    name_in_kernel("decoder-0")
    join(start(work))
    name_in_kernel("decoder-1")
    threads.append(start(stay))
    is_there.wait()
threads = []
maker = threading.Thread(target=make, name="a maker")
maker.start(); maker.join()
join(start(work))  # as the process is called
join(start(lambda _: print(threading.current_thread().name)))
is_over.set()
join(threads[0])
"""
    result, document = summarize(NATIVE + code)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "Dummy-2\n"
    assert names(document) == ["MainThread", "a maker", "decoder-0", "decoder-1", None, "Dummy-2"]
    assert "decoder-0 " in result.stderr


def test_a_native_thread_that_is_named_later_has_its_name_while_it_lives(summarize: Summarize) -> None:
    code = """
named = threading.Event()
def stay(_):
    name_in_kernel("named late")
    named.set()
    libc.pause()
start(stay)
named.wait()
"""
    result, document = summarize(NATIVE + code)
    assert result.returncode == 0, result.stderr
    assert names(document) == ["MainThread", "named late"]


def test_a_name_that_python_gives_is_the_one(summarize: Summarize) -> None:
    code = """
def work():
    name_in_kernel("of the kernel")
    sum(range(100_000))
thread = threading.Thread(target=work, name="of Python")
thread.start(); thread.join()
def adopt(_):
    threading.current_thread().name = "adopted"
    threading.Thread._set_native_id(threading.current_thread())  # Python tells of it again
    name_in_kernel("of the kernel")
join(start(adopt))
"""
    result, document = summarize(NATIVE + code)
    assert result.returncode == 0, result.stderr
    assert names(document) == ["MainThread", "of Python", "adopted"]


def test_threads_keep_their_names_where_green_threads_run_in_them(summarize: Summarize) -> None:
    code = """
import threading, time

used = []
def run_green(name):
    begin = time.thread_time_ns()
    get_ident = threading.get_ident
    threading.get_ident = lambda: 4711  # of the green thread: what gevent and eventlet do
    try:
        thread = threading.Thread(name=name)
        thread._set_ident()
        thread._set_native_id()
        threading._active[threading.get_ident()] = thread
        sum(range(100_000))
        thread._delete()
    finally:
        threading.get_ident = get_ident
    sum(range(1_000_000))
    used.append(time.thread_time_ns() - begin)

hub = threading.Thread(target=run_green, args=("green-1",), name="a hub")
hub.start(); hub.join()
run_green("green-2")
print(*used)
"""
    result, document = summarize(code)
    assert result.returncode == 0, result.stderr
    assert names(document) == ["MainThread", "a hub"]
    used = dict(zip(["a hub", "MainThread"], map(int, result.stdout.split()), strict=True))
    for thread in document["processes"][0]["threads"]:
        assert thread["cpu_ns"] >= used[thread["name"]], "the end of a green thread is not that of the thread"
