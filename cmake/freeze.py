"""Writes Python modules as a C++ table of frozen modules, for the version of Python that runs this.

Usage: freeze.py OUTPUT NAME=FILE.py…
"""

import marshal
import sys
from pathlib import Path


def array_of(name: str, source: Path) -> str:
    """The module's code, marshalled, as a C++ array."""
    code = compile(source.read_text(encoding="utf-8"), f"<frozen {name}>", "exec", dont_inherit=True, optimize=0)
    numbers = ",".join(str(byte) for byte in marshal.dumps(code))
    return f"const unsigned char {name}_code[] = {{{numbers}}};"


def main() -> None:
    """Writes the file that host/run/frozen.cpp includes."""
    output, *modules = sys.argv[1:]
    pairs = [module.split("=", 1) for module in modules]
    rows = [f'    frozen("{name}", {name}_code, sizeof {name}_code),' for name, _ in pairs]
    Path(output).write_text(
        "\n".join(
            [
                "// NOLINTBEGIN: generated",
                *(array_of(name, Path(path)) for name, path in pairs),
                "const _frozen kModules[] = {",
                *rows,
                "    {}};",
                "// NOLINTEND",
                "",
            ]
        ),
        encoding="utf-8",
    )


main()
