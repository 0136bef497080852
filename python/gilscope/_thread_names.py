"""Tells the recording what Python calls its threads, and when they end. It imports nothing.

Used by gilscope.trace(), and frozen into the host as `_gilscope_thread_names`.
"""

TYPE_CHECKING = False  # typing itself takes 5 ms to import
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    Name = Callable[[int, str], None]  # the system's id of a thread, and its name
    End = Callable[[int], None]


def watch(threading: "ModuleType | Any", name: "Name", end: "End") -> "Callable[[], None]":
    """Has `name` called for each thread that lives or starts, `end` for each that ends, by the thread itself.

    Names that change are told at the end. Returns what ends the watch, and tells the names of those that live.
    The two methods wrapped here run at the begin and at the end of each thread, outside of the user's frames.
    """
    thread_class: Any = threading.Thread
    original_set, original_delete = thread_class._set_native_id, thread_class._delete

    def set_native_id(thread: "Any") -> None:
        original_set(thread)
        name(thread.native_id, thread.name)

    def delete(thread: "Any") -> None:
        if thread.native_id is not None:
            name(thread.native_id, thread.name)
            end(thread.native_id)
        original_delete(thread)

    def tell_names() -> None:
        for thread in threading.enumerate():
            if thread.native_id is not None:
                name(thread.native_id, thread.name)

    def unwatch() -> None:
        if thread_class._set_native_id is set_native_id:
            thread_class._set_native_id = original_set
        if thread_class._delete is delete:
            thread_class._delete = original_delete
        tell_names()

    thread_class._set_native_id, thread_class._delete = set_native_id, delete
    tell_names()
    return unwatch
