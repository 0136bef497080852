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

    # `_name`, not `name`, and `_native_id` likewise: a subclass may have properties of its own for these, which may
    # raise, block or return anything; in a thread that has not started yet its start() would never return.
    def tell_name(thread: "Any") -> None:
        if isinstance(thread._name, str) and thread._native_id is not None:
            # Lone surrogates (of a file's name, say) have no UTF-8: an error here would leave its join() waiting.
            name(thread._native_id, str.encode(thread._name, "utf-8", "backslashreplace").decode())

    def set_native_id(thread: "Any") -> None:
        original_set(thread)
        tell_name(thread)

    def delete(thread: "Any") -> None:
        tell_name(thread)
        if thread._native_id is not None:
            end(thread._native_id)
        original_delete(thread)

    def tell_names() -> None:
        for thread in threading.enumerate():
            tell_name(thread)

    def unwatch() -> None:
        if thread_class._set_native_id is set_native_id:
            thread_class._set_native_id = original_set
        if thread_class._delete is delete:
            thread_class._delete = original_delete
        tell_names()

    thread_class._set_native_id, thread_class._delete = set_native_id, delete
    tell_names()
    return unwatch
