"""Runs the commands in README.md and docs/, and writes below each what it printed: no output there is made up.

Every block of the language `console` is real. A line of it that begins with `$ ` is a command of bash (a backslash at
the end continues it), the rest is what that printed, both streams as they came. The commands of a page run one after
the other, in a folder that has the files of docs/examples and, by its name, the folder python/. Comments right above a
block say more of it:

<!-- exit code: 1 -->     the last command's, where it is not 0
<!-- needs: PROGRAM -->   without which the block is left as it is
<!-- varies: REGEX -->    the begin of paragraphs whose words depend on what was measured
<!-- judges: WHAT -->     its words do, all of them: a check looks at the exit code alone

--check writes nothing. It says whether the commands still do what the page says: the same words, whatever the figures.
Comparisons are of one round then: their sentences vary anyhow.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "docs" / "examples"
TIMEOUT_S = 300  # of a hang
BLOCK = re.compile(
    r"(?P<notes>(?:^<!-- [a-z ]+: [^\n]* -->\n)*)^```console\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
NOTE = re.compile(r"<!-- ([a-z ]+): (.*) -->")
NOTES = {"exit code", "needs", "varies", "judges"}
COMMAND = re.compile(r"^\$ (?:.*\\\n)*.*\n", re.MULTILINE)
UNITS = {"ns", "µs", "ms", "s", "KiB", "MiB", "GiB", "bytes", "yes", "no"}
# Of the Python, not of gilscope: by what it is run, how multiprocessing starts processes.
OF_THE_PYTHON = re.compile(r"\((?:static libpython|shared libpython|its own gilscope)\)|started by \w+")
CHECKED = """#!/bin/sh
if [ "$1" = compare ]; then shift; set -- compare --rounds 1 "$@"; fi
exec {host} "$@"
"""


class OutputsError(Exception):
    """What happened, in words for a person."""


class Workplace:
    """A folder to run commands in as a reader would; what it prints names no folder of this machine."""

    def __init__(self, folder: Path, host: Path, *, is_check: bool) -> None:
        """Put the examples there."""
        self.folder = folder / "project"
        shutil.copytree(EXAMPLES, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        (self.folder / "python").symlink_to(ROOT / "python")
        programs = folder / "bin"
        programs.mkdir()
        if is_check:
            (programs / "gilscope").write_text(CHECKED.format(host=shlex.quote(str(host))), encoding="utf-8")
            (programs / "gilscope").chmod(0o755)
        else:
            (programs / "gilscope").symlink_to(host)
        kept = {name: os.environ[name] for name in ("HOME", "TMPDIR", "USER") if name in os.environ}
        path = [str(programs), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
        self.environment = {**kept, "PATH": os.pathsep.join(path), "LC_ALL": "C.UTF-8", "TERM": "dumb"}
        self.names = {str(self.folder): "~/project", sys.prefix: "~/.venv", str(Path.home()): "~"}
        self.names.pop("/", None)  # a container's home may be that

    def has(self, program: str) -> bool:
        """Whether a command could call it."""
        return shutil.which(program, path=self.environment["PATH"]) is not None

    def run(self, command: str, exit_code: int) -> str:
        """Return what it printed; OutputsError where it ends otherwise than the page says."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            check=False,
        )
        if done.returncode != exit_code:
            raise OutputsError(
                f"$ {command}\nended with {done.returncode}, not {exit_code}; it printed:\n{done.stdout}"
            )
        output = done.stdout
        for name, shown in self.names.items():
            output = output.replace(name, shown)
        return "".join(f"{line.rstrip()}\n" for line in output.strip("\n").split("\n")) if output.strip() else ""


def read_notes(text: str) -> dict[str, str]:
    """Return what the comments above a block say."""
    notes = dict(NOTE.findall(text))
    if unknown := notes.keys() - NOTES:
        raise OutputsError(f"no note of a block is called {', '.join(sorted(unknown))}: {', '.join(sorted(NOTES))}")
    return notes


def run_block(body: str, notes: dict[str, str], workplace: Workplace) -> str:
    """Return the block with what its commands print now."""
    commands = COMMAND.findall(body)
    if not commands:
        raise OutputsError(f"a block of the language console has no line that begins with $:\n{body}")
    made = ""
    for number, command in enumerate(commands, 1):
        exit_code = int(notes.get("exit code", 0)) if number == len(commands) else 0
        output = workplace.run(command.removeprefix("$ ").rstrip("\n"), exit_code)
        made += ("\n" if made and not made.endswith("\n\n") else "") + command + output
    return made


def words(output: str, varies: str | None) -> set[str]:
    """Return the words of a block's outputs without figures and units, and without the paragraphs that vary.

    One `hold` or several `holds` is a figure too.
    """
    paragraphs = OF_THE_PYTHON.sub("", COMMAND.sub("", output)).split("\n\n")
    kept = [text for text in paragraphs if not (varies and re.match(varies, text.lstrip("\n")))]
    bare = (word.strip(".,:;()'\"") for text in kept for word in text.split())
    named = {word for word in bare if re.search(r"[^\W\d]", word) and word not in UNITS}
    return {re.sub(r"\d+", "#", word).removesuffix("s") for word in named}


def compare(page: Path, before: str, after: str, varies: str | None) -> Iterator[str]:
    """Yield what a check has to say of a block."""
    old, new = words(before, varies), words(after, varies)
    if old != new:
        yield f"{page}: other words are printed now: gone {sorted(old - new)}, new {sorted(new - old)}"
        yield from difflib.unified_diff(before.splitlines(), after.splitlines(), "the page", "now", lineterm="")


def run_page(page: Path, host: Path, *, is_check: bool) -> tuple[str, list[str]]:
    """Return the page with its outputs made again, and what a check has to say."""
    findings: list[str] = []
    with tempfile.TemporaryDirectory(prefix="gilscope-docs-") as folder:
        workplace = Workplace(Path(folder), host, is_check=is_check)

        def replace(block: re.Match[str]) -> str:
            notes = read_notes(block["notes"])
            missing = [program for program in notes.get("needs", "").split() if not workplace.has(program)]
            if missing:
                print(f"{page}: left as it is, for want of {', '.join(missing)}", file=sys.stderr)
                return block[0]
            after = run_block(block["body"], notes, workplace)
            if "judges" not in notes:
                findings.extend(compare(page, block["body"], after, notes.get("varies")))
            return f"{block['notes']}```console\n{after}```"

        return BLOCK.sub(replace, page.read_text(encoding="utf-8")), findings


def pages() -> list[Path]:
    """Return the pages that have such blocks."""
    every = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in every if BLOCK.search(page.read_text(encoding="utf-8"))]


def main() -> int:
    """Write, or check; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE", help="default: all that have such blocks")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where words differ")
    options = parser.parse_args()
    host = Path(os.environ.get("GILSCOPE_HOST", ROOT / "build" / "gilscope")).absolute()
    failed = False
    for page in options.pages or pages():
        try:
            after, findings = run_page(page, host, is_check=options.check)
        except (OSError, subprocess.TimeoutExpired, OutputsError) as error:
            print(f"docs_outputs.py: {page}: {error}", file=sys.stderr)
            failed = True
            continue
        if not options.check:
            page.write_text(after, encoding="utf-8")
        elif findings:
            print("\n".join(findings), file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
