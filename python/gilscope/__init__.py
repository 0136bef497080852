"""Measures Python's Global Interpreter Lock, exactly, and says what to do about it.

Importing this costs milliseconds: whatever is heavier is imported where it is used.
"""

from gilscope._native import __version__, count, hold, release

__all__ = ["__version__", "count", "hold", "release"]
