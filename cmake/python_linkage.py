"""Says, as JSON, how a host links the libpython of the Python that runs this; "" where there is none."""

import json
import os
import shlex
import sys
import sysconfig
from pathlib import Path


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


print(
    json.dumps(
        {
            "executable": base_executable(),
            "static_library": existing(variable("LIBPL"), variable("LIBRARY")),
            "shared_library": existing(variable("LIBDIR"), variable("LDLIBRARY"))
            if variable("LDLIBRARY").endswith(".so")
            else "",
            "rpath": variable("LIBDIR"),
            "system_libraries": ";".join(system_libraries()),
        }
    )
)
