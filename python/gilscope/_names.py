"""Tells the recording what Python calls its threads and its process, and when threads end.

Used by gilscope.trace(), and frozen into the host as `_gilscope_names`: it imports nothing that `python` has not.
"""

import sys
from _thread import get_ident  # before anybody replaces it
from posix import getpid

TYPE_CHECKING = False  # typing itself takes 5 ms to import
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    Name = Callable[[int, str], None]  # the system's id of a thread, and its name
    NameProcess = Callable[..., None]  # the name, and whether it tells workers apart that have one title
    End = Callable[[int], None]


def as_utf8(name: str) -> str:
    """Escapes lone surrogates (of a file's name, say): an error here would leave the join() of a thread waiting."""
    return str.encode(name, "utf-8", "backslashreplace").decode()


def wrap(thread_class: "Any", name: str, method: "Any", is_used: "Callable[[], bool]") -> None:
    """Puts `method` around the one there; around it others may come."""
    original = getattr(thread_class, name)
    method.original_of_unused = lambda: None if is_used() else original
    setattr(thread_class, name, method)


def unwrap(thread_class: "Any", name: str) -> None:
    """Takes those off that are no longer used, as far as no other is around them."""
    while (original := getattr(getattr(thread_class, name), "original_of_unused", lambda: None)()) is not None:
        setattr(thread_class, name, original)


def watch(
    threading: "ModuleType | Any", name: "Name", name_process: "NameProcess", end: "End"
) -> "tuple[Callable[[], None], Callable[[], None]]":
    """Has `name` called for each thread that lives or starts, `end` for each that ends, by the thread itself.

    `name_process` is called in a process of multiprocessing, or of what imitates it: its _bootstrap() has the main
    thread set its id once it is in place. Names may change: that of a thread is told again at its end. Returns what
    tells the names of the process and of its main thread again, and what ends the watch and tells the names of all
    that live. The two methods wrapped here run at the begin and at the end of each thread, outside of the user's
    frames. Green threads (gevent, eventlet) run in threads that have names of their own, and keep those.
    """
    thread_class: Any = threading.Thread
    original_set, original_delete = thread_class._set_native_id, thread_class._delete
    is_watching = True
    process = getpid()

    # pytest-xdist's, whose title says what it does. Programs that the worker starts inherit it.
    def find_worker() -> "str | None":
        environment: Any = getattr(sys.modules.get("os"), "environ", None)
        return environment.get("PYTEST_XDIST_WORKER") if type(environment).__name__ == "_Environ" else None

    worker_before = find_worker()

    # `_name`, not `name`, and `_native_id` likewise: a subclass may have properties of its own for these, which may
    # raise, block or return anything; in a thread that has not started yet its start() would never return.
    def tell_name(thread: "Any") -> None:
        if isinstance(thread._name, str) and thread._native_id is not None:
            name(thread._native_id, as_utf8(thread._name))

    # In a forked child the main thread may still have the id that it had in the parent: it is told of elsewhere.
    def is_in_main(thread: "Any") -> bool:
        return thread is not threading.main_thread() and thread._native_id == getpid()

    # Of the calling thread.
    def is_green(thread: "Any") -> bool:
        return is_in_main(thread) or (thread is not threading.main_thread() and thread._ident != get_ident())

    def tell_main() -> None:
        tell_name(threading.main_thread())
        tell_process()

    def tell_process() -> None:
        # The first process of each has no parent there: its name would be "MainProcess".
        for package in ("multiprocessing", "multiprocess", "billiard"):
            current: Any = getattr(sys.modules.get(package + ".process"), "_current_process", None)
            process_name = getattr(current, "_name", None)
            if getattr(current, "_parent_pid", None) is not None and isinstance(process_name, str):
                name_process(as_utf8(process_name))
        worker = find_worker()
        if worker is not None and worker != worker_before and getpid() == process:
            name_process(as_utf8(worker), True)  # noqa: FBT003 - the callable takes no names

    def set_native_id(thread: "Any") -> None:
        original_set(thread)
        if not is_watching:
            return
        if not is_green(thread):
            tell_name(thread)
        if thread is threading.main_thread():
            tell_process()

    def delete(thread: "Any") -> None:
        if is_watching and not is_green(thread):
            tell_name(thread)
            if thread._native_id is not None:
                end(thread._native_id)
        original_delete(thread)

    def tell_names() -> None:
        for thread in threading.enumerate():
            if not is_in_main(thread):
                tell_name(thread)
        tell_process()

    def unwatch() -> None:
        nonlocal is_watching
        is_watching = False
        for name in ("_set_native_id", "_delete"):
            unwrap(thread_class, name)
        tell_names()

    wrap(thread_class, "_set_native_id", set_native_id, lambda: is_watching)
    wrap(thread_class, "_delete", delete, lambda: is_watching)
    tell_names()
    return tell_main, unwatch
