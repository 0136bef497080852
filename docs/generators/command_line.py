"""The help of every subcommand, asked of the program itself."""

import os
import re
import subprocess
from pathlib import Path

BUILT = Path(__file__).resolve().parents[2] / "build" / "gilscope"


def _help(*subcommand: str) -> str:
    host = os.environ.get("GILSCOPE_HOST", str(BUILT))
    return subprocess.run([host, *subcommand, "--help"], check=True, capture_output=True, text=True).stdout.strip()


def page() -> str:
    """Return a section for gilscope, and one for each subcommand that its help names."""
    whole = _help()
    names = re.findall(r"^  (\w+)", whole.partition("\nSubcommands:\n")[2], re.MULTILINE)
    if not names:
        raise RuntimeError(f"gilscope --help names no subcommands:\n{whole}")
    sections = [("gilscope", whole), *((f"gilscope {name}", _help(name)) for name in names)]
    return "\n\n".join(f"## {title}\n\n```text\n{text}\n```" for title, text in sections)
