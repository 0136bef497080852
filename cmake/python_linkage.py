"""Says, as JSON, how a host links the libpython of the Python that runs this; "" where there is none."""

import json
import os
import shlex
import struct
import sys
import sysconfig
from pathlib import Path

from linkable_library import sections_of

DYNAMIC, OLD_RPATH = 6, 15  # SHT_DYNAMIC, DT_RPATH


def variable(name: str) -> str:
    """A variable of the build's configuration; "" where it has none."""
    return str(sysconfig.get_config_var(name) or "")


def existing(folder: str, name: str) -> str:
    """The path of the file, or "" where it is not there."""
    path = Path(folder, name)
    return str(path) if folder and name and path.is_file() else ""


def system_libraries() -> list[str]:
    """The libraries that libpython itself needs, each once, in the order of its own link line."""
    words = shlex.split(" ".join(map(variable, ("MODLIBS", "LIBS", "SYSLIBS"))).replace("\\ ", " "))
    libraries = [word for word in words if word.startswith(("-l", "-L"))]
    return list(dict.fromkeys([*libraries, "-ldl", "-lm", "-lpthread", "-lutil"]))


def base_executable() -> str:
    """The `python` of the installation, not of a virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable) or sys.executable)


def has_old_rpath(executable: str) -> bool:
    """Whether what modules need is looked for in its folders, too (DT_RPATH), not only its own needs (DT_RUNPATH)."""
    content = Path(executable).read_bytes()
    for section in sections_of(content):
        entries = content[section.offset : section.offset + section.size // 16 * 16] if section.kind == DYNAMIC else b""
        if any(tag == OLD_RPATH for tag, _ in struct.iter_unpack("<QQ", entries)):
            return True
    return False


if __name__ == "__main__":
    print(
        json.dumps(
            {
                "executable": base_executable(),
                "static_library": existing(variable("LIBPL"), variable("LIBRARY")),
                "shared_library": existing(variable("LIBDIR"), variable("LDLIBRARY"))
                if variable("LDLIBRARY").endswith(".so")
                else "",
                "rpath": variable("LIBDIR"),
                # Modules of uv's have libraries beside libpython, and say nowhere where: tkinter needs Tcl's.
                "rpath_option": f"-Wl,--{'disable' if has_old_rpath(base_executable()) else 'enable'}-new-dtags",
                "system_libraries": ";".join(system_libraries()),
            }
        )
    )
