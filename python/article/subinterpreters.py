"""Sub-interpreters of every stock CPython from 3.11: one public module and two private ones, made alike here.

An interpreter is created, used and ended by one and the same thread, and never two are created or ended at a
time: 3.12 is not safe otherwise.
"""

import importlib
import sys
import threading
from typing import Any

HAVE_OWN_GIL = sys.version_info >= (3, 12)

_create_or_end = threading.Lock()


class ExecutionError(Exception):
    """Code in a sub-interpreter raised; the message is its traceback, or as much as this Python tells."""


def execute(code: str) -> None:
    """Execute code in the __main__ of a new sub-interpreter, with its own GIL where there is such a thing."""
    if sys.version_info >= (3, 14):
        _execute(importlib.import_module("concurrent.interpreters"), code)
    else:
        name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
        _execute_privately(importlib.import_module(name), code)


def _execute(interpreters: Any, code: str) -> None:
    with _create_or_end:
        interpreter = interpreters.create()
    try:
        interpreter.exec(code)
    except interpreters.ExecutionFailed as error:
        raise ExecutionError(str(error)) from None
    finally:
        with _create_or_end:
            interpreter.close()


def _execute_privately(interpreters: Any, code: str) -> None:
    with _create_or_end:
        interpreter = interpreters.create()
    try:
        # 3.13 returns what 3.11 and 3.12 raise.
        failure = interpreters.run_string(interpreter, code)
    except getattr(interpreters, "RunFailedError", ()) as error:
        raise ExecutionError(str(error)) from None
    finally:
        with _create_or_end:
            interpreters.destroy(interpreter)
    if failure is not None:
        raise ExecutionError(getattr(failure, "errdisplay", None) or failure.formatted)
