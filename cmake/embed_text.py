"""Writes text files as a C++ table of names and contents.

Usage: embed_text.py OUTPUT NAME=FILE…
"""

import sys
from pathlib import Path

LONGEST_LITERAL = 16_000  # compilers must take 65,536 characters, and join what is adjacent


def literals(text: str) -> str:
    """The text as adjacent raw string literals."""
    parts = [text[begin : begin + LONGEST_LITERAL] for begin in range(0, len(text), LONGEST_LITERAL)]
    return "\n".join(f'R"text({part})text"' for part in parts)


def main() -> None:
    """Writes the file that host/run/stock_python.cpp or host/report/page.cpp includes."""
    output, *files = sys.argv[1:]
    rows = []
    for name, file in (argument.split("=", 1) for argument in files):
        rows.append(f'    {{"{name}", {literals(Path(file).read_text(encoding="utf-8"))}}},')
    lines = ["constexpr EmbeddedFile kFiles[] = {", *rows, "};", ""]
    Path(output).write_text("\n".join(lines), encoding="utf-8")


main()
