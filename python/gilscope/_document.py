"""What a Summary and a Comparison have in common: the JSON that they were made from, and the words for people."""

from __future__ import annotations

import dataclasses
import errno
import functools
import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Part = TypeVar("_Part")


class Document:
    """A result of gilscope's: the names of its attributes are those of the JSON."""

    _json: str
    _text: str

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON has it: docs/schemas/ has the schema that it names."""
        document: dict[str, Any] = json.loads(self._json)
        return document

    def to_json(self) -> str:
        """The same as JSON: what the command line's --json writes."""
        return self._json

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the JSON to a file.

        Raises FileExistsError where there is one already, unless `force` has it replaced; OSError where it cannot
        be written, and then nothing is left there that was not there before.
        """
        write(Path(path), self._json + "\n", force=force)

    def __str__(self) -> str:
        """What the command line prints for people."""
        return self._text

    def __init_subclass__(cls) -> None:
        """Put _repr_pretty_ into the class itself: there IPython looks before it takes a dataclass's own __repr__."""
        cls._repr_pretty_ = Document._repr_pretty_  # type: ignore[method-assign]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001  (as IPython calls it)
        printer.text(f"{type(self).__name__}(...)" if cycle else self._text.rstrip("\n"))


def write(path: Path, text: str, *, force: bool) -> None:
    """All of it, or nothing: written beside its place, and then put there."""
    if not force and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "exists already; try: another name, or force=True", os.fspath(path))
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_native_id()}")
    try:
        with beside.open("x", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None
    finally:
        beside.unlink(missing_ok=True)


@functools.cache  # of up to 4,097 rows for each snapshot
def _names_of_fields(kind: type) -> frozenset[str]:
    return frozenset(field.name for field in dataclasses.fields(kind))


def make(kind: Callable[..., _Part], figures: Mapping[str, Any], **parts: Any) -> _Part:
    """What of `figures` it has fields for, since a later version may write more, and `parts` as they are."""
    known = _names_of_fields(kind)
    return kind(**{name: value for name, value in figures.items() if name in known} | parts)
