"""Makes this process what `python ARGUMENTS…` would be, up to the first line of the program: for `gilscope run`.

C++ then runs what prepare() returns, with CPython's own functions: extensions/stock_host.cpp.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from gilscope import _native

if TYPE_CHECKING:
    from collections.abc import Sequence

    # What to run: a file, code, a module's name, the `__main__` of a folder or archive on sys.path, standard input.
    Kind = Literal["file", "code", "module", "archive", "input"]

# In the environment of a Python that was started with the flags that the command line has for it.
_HAS_FLAGS = "GILSCOPE_HAS_FLAGS"


def split(arguments: Sequence[str]) -> tuple[list[str], list[str] | None]:
    """Python's flags, and the program that they precede, with its arguments.

    The program begins with `-c` or `-m` and what belongs to it, or with a script; none is standard input. It is None
    where a flag lacks its value, of which Python itself will complain.
    """
    flags: list[str] = []
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        argument = rest.pop(0)
        if argument == "--":
            break
        if argument.startswith("--"):
            flags += [argument, *([rest.pop(0)] if argument == "--check-hash-based-pycs" and rest else [])]
            continue
        # Letters may stand together, as in -Im; the first that takes a value takes what is left, or the next argument.
        place = next((place for place, letter in enumerate(argument) if letter in "cmWX"), None)
        if place is None:
            flags.append(argument)
            continue
        value = [argument[place + 1 :]] if argument[place + 1 :] else rest[:1]
        if not value:
            return flags, None
        if not argument[place + 1 :]:
            del rest[0]
        if argument[place] in "cm":
            flags += [argument[:place]] if place > 1 else []
            return flags, [f"-{argument[place]}", *value, *rest]
        flags += [argument] if argument[place + 1 :] else [argument, *value]
    return flags, rest


def own_command() -> list[str]:
    """What starts this Python again as gilscope, with the flags that it has now."""
    from subprocess import _args_from_interpreter_flags  # type: ignore[attr-defined]

    return [sys.executable, *_args_from_interpreter_flags(), "-m", "gilscope"]


def own_flags() -> list[str]:
    """Those that `python FLAGS -m gilscope` was started with: not what came from the environment."""
    words = sys.orig_argv
    own = (words[1:place] for place in range(1, len(words)) if words[place : place + 2] == ["-m", "gilscope"])
    return next(own, [])


def begin_main() -> None:
    """Makes a new `__main__`, as a program finds it that has not begun."""
    main = ModuleType("__main__")
    builtins = sys.modules["builtins"]
    main.__loader__ = builtins.__loader__
    main.__dict__["__builtins__"] = builtins
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
    sys.modules["__main__"] = main


def enter(arguments: list[str], folder: str | None) -> None:
    """Sets sys.argv, and puts the folder where imports look first, in the place of gilscope's own."""
    sys.argv = arguments
    if not sys.flags.safe_path:
        del sys.path[0]
        if folder is not None:
            sys.path.insert(0, folder)
    begin_main()


def prepare_code(code: str) -> str:
    """The code of `-c`, as this version of Python takes it."""
    if sys.version_info >= (3, 14):
        import textwrap

        code = textwrap.dedent(code)
    code += "\n"
    if sys.version_info >= (3, 13):  # its tracebacks show the lines
        import linecache

        linecache.cache["<string>"] = (len(code), None, code.splitlines(keepends=True), "<string>")
    return code


def prepare_script(arguments: list[str]) -> tuple[Kind, str]:
    """A script, or a folder or archive with a `__main__`. Exits with 2, as Python does, where it cannot be read."""
    from pkgutil import get_importer

    script = arguments[0]
    # Path would take a leading ./ away.
    path = os.path.join(os.getcwd(), script) if script else os.getcwd()  # noqa: PTH109, PTH118
    if get_importer(path) is not None:
        enter(arguments, None)
        sys.path.insert(0, path)
        return "archive", "__main__"
    try:
        with open(path, "rb"):  # noqa: PTH123
            pass
    except OSError as error:
        print(f"{sys.executable}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}", file=sys.stderr)
        raise SystemExit(2) from None
    enter(arguments, os.path.dirname(os.path.realpath(script)))  # noqa: PTH120
    return "file", path


def prepare(arguments: list[bytes], options: list[bytes]) -> tuple[Kind, bytes]:
    """What to run, when `python ARGUMENTS…` is asked for; the process is ready for it.

    `options` is the command line of gilscope up to them. Flags of Python's own, which come first among the arguments,
    are for its start: with such, this process becomes that of a Python that has them, and this function never returns.

    Raises Error where such a Python would not find gilscope.
    """
    words = [os.fsdecode(argument) for argument in arguments]
    flags, program = split(words)
    if program is None:
        os.execv(sys.executable, [sys.executable, *words])  # noqa: S606
    has_flags = os.environ.pop(_HAS_FLAGS, None) is not None
    if flags and not has_flags:
        import re

        if any(re.match("-[^-WX]*S", flag) for flag in flags):
            raise _native.Error("run: with Python's flag -S, gilscope itself is not found; try: gilscope's binary")
        command = [sys.executable, *own_flags(), *flags, "-m", "gilscope", *map(os.fsdecode, options), *words]
        os.execve(sys.executable, command, {**os.environ, _HAS_FLAGS: "1"})  # noqa: S606
    sys.orig_argv = [sys.executable, *words]
    kind: Kind
    if not program or program[0] == "-":
        enter(program or [""], "")
        kind, what = "input", ""
    elif program[0] == "-c":
        enter(["-c", *program[2:]], "")
        kind, what = "code", prepare_code(program[1])
    elif program[0] == "-m":
        enter(["-m", *program[2:]], os.getcwd())  # noqa: PTH109
        kind, what = "module", program[1]
    else:
        kind, what = prepare_script(program)
    return kind, os.fsencode(what)
