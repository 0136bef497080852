"""Measures Python's Global Interpreter Lock, exactly, and says what to do about it.

Importing this costs milliseconds: whatever is heavier is imported where it is used.

PYTEST_DONT_REWRITE: no assertion here is a test's, and where gilscope was imported before its plugin (`gilscope run -m
pytest`), pytest would warn that it is too late.
"""

import sys

if sys.implementation.name != "cpython":
    raise ImportError(
        f"gilscope measures CPython's GIL, and this is {sys.implementation.name}; try: `gilscope compare --python "
        f"{sys.executable} TASK` of a gilscope in CPython, which times this Python too"
    )

from gilscope._native import Error, __version__, count, hold, release

TYPE_CHECKING = False  # typing itself takes 5 ms to import
if TYPE_CHECKING:
    from typing import Any

    from gilscope._compare import Comparison, ceiling, compare
    from gilscope._flight import Dump, FlightRecorder
    from gilscope._meter import Meter
    from gilscope._summary import Summary
    from gilscope._trace import trace

__all__ = [
    "Comparison",
    "Dump",
    "Error",
    "FlightRecorder",
    "Meter",
    "Summary",
    "__version__",
    "ceiling",
    "compare",
    "count",
    "hold",
    "release",
    "trace",
]


def load_ipython_extension(shell: "Any") -> None:
    """Add the magics %gil and %%gil: what `%load_ext gilscope` calls."""
    from gilscope import _notebook

    _notebook.load(shell)


_LATER = {
    "Comparison": "_compare",
    "Dump": "_flight",
    "FlightRecorder": "_flight",
    "Meter": "_meter",
    "Summary": "_summary",
    "ceiling": "_compare",
    "compare": "_compare",
    "trace": "_trace",
}


if not TYPE_CHECKING:  # a checker sees the imports above; this would tell it that any other name exists, too

    def __getattr__(name: str) -> "Any":
        """Import what is used for the first time."""
        if name in _LATER:
            import importlib

            return getattr(importlib.import_module(f"gilscope.{_LATER[name]}"), name)
        raise AttributeError(f"module 'gilscope' has no attribute {name!r}")


def __dir__() -> "list[str]":
    """List those too, for who completes names."""
    return sorted({*globals(), *__all__})
