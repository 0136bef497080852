"""Measures Python's Global Interpreter Lock, exactly, and says what to do about it.

Importing this costs milliseconds: whatever is heavier is imported where it is used.
"""

from gilscope._native import Error, __version__, count, hold, release

TYPE_CHECKING = False  # typing itself takes 5 ms to import
if TYPE_CHECKING:
    from typing import Any

    from gilscope._trace import Summary, trace

__all__ = ["Error", "Summary", "__version__", "count", "hold", "release", "trace"]


def __getattr__(name: str) -> "Any":
    """Import what is used for the first time."""
    if name in ("Summary", "trace"):
        from gilscope import _trace

        return getattr(_trace, name)
    raise AttributeError(f"module 'gilscope' has no attribute {name!r}")
