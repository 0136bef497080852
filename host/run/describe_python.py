"""What the running Python says of itself: `facts()` is run inside the interpreter that gilscope measures.

Its keys are those that parse_python_build (python_build.cpp) reads. It runs under PyPy 3.9, too, as all does that
`compare --python` has another Python run. sysconfig.get_config_var loads a module of the whole build configuration
(30 to 50 ms): fine for `gilscope doctor`, not for the start of a run.
"""

from __future__ import annotations

import os
import sys
import sysconfig

# All that can show -fprofile-use or -flto. Not PGO_PROF_USE_FLAG: it says what a PGO build would use.
_FLAG_VARIABLES = (
    "PY_CORE_CFLAGS",
    "PY_CFLAGS_NODIST",
    "CONFIGURE_CFLAGS_NODIST",
    "PY_CORE_LDFLAGS",
    "PY_LDFLAGS_NODIST",
    "CONFIGURE_LDFLAGS_NODIST",
)


def _text(path: str) -> str:
    """The path without the lone surrogates that stand for bytes of no text: JSON cannot carry them."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _variable(name: str) -> str | None:
    try:
        value = sysconfig.get_config_var(name)
    except ImportError:  # a minimal package leaves the module of the build configuration out
        return None
    return None if value is None else _text(str(value))


def _is_set(name: str) -> bool:
    return _variable(name) == "1"


def _is_gil_enabled() -> bool:
    ask = getattr(sys, "_is_gil_enabled", None)  # 3.13+
    return True if ask is None else bool(ask())


def _jit_state() -> str:
    jit = getattr(sys, "_jit", None)  # 3.14+
    if jit is not None:
        if not jit.is_available():
            return "absent"
        return "enabled" if jit.is_enabled() else "disabled"
    # 3.13 has a JIT where it was configured, and nothing that says whether it is on.
    return "unknown" if "--enable-experimental-jit" in (_variable("CONFIG_ARGS") or "") else "absent"


def _environment_version(path: str) -> str | None:
    """The version of Python that made a virtual environment; virtualenv and uv call the key version_info."""
    settings: dict[str, str] = {}
    try:
        with open(f"{path}/pyvenv.cfg", encoding="utf-8") as config:
            for line in config:
                key, _, value = line.partition("=")
                settings[key.strip().lower()] = value.strip()
    except (OSError, UnicodeDecodeError):
        return None
    version = settings.get("version_info") or settings.get("version")
    return ".".join(version.split(".")[:3]) if version else None


def _is_same_folder(one: str, other: str) -> bool:
    try:
        return os.path.samestat(os.stat(one), os.stat(other))
    except OSError:
        return False


def _virtual_environment() -> dict[str, object] | None:
    runs_in_one = sys.prefix != sys.base_prefix
    path = os.environ.get("VIRTUAL_ENV") or (sys.prefix if runs_in_one else "")
    if not path:
        return None
    return {
        "path": _text(path),
        "python_version": _environment_version(path),
        "used": runs_in_one and _is_same_folder(path, sys.prefix),
    }


def facts() -> dict[str, object]:
    """All facts, ready for json.dumps."""
    return {
        "version": sys.version.split()[0],
        "major": sys.version_info.major,
        "minor": sys.version_info.minor,
        "release_level": sys.version_info.releaselevel,
        "implementation": {"cpython": "CPython", "pypy": "PyPy"}.get(sys.implementation.name, sys.implementation.name),
        "executable": _text(sys.executable or ""),
        "prefix": _text(sys.prefix),
        "base_prefix": _text(sys.base_prefix),
        "free_threaded": _is_set("Py_GIL_DISABLED"),
        "gil_enabled": _is_gil_enabled(),
        "debug": hasattr(sys, "gettotalrefcount"),  # what a Py_DEBUG build has, with or without its sysconfig
        "jit": _jit_state(),
        "config_args": _variable("CONFIG_ARGS"),
        "compile_flags": " ".join(filter(None, map(_variable, _FLAG_VARIABLES))),
        "switch_interval_s": sys.getswitchinterval(),
        "virtual_environment": _virtual_environment(),
    }
