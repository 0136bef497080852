"""Keeps what docs/article.md needs of a result of `gilscope article --json`, and writes its figures into the document.

Run by plots.sh. What is kept names no file of the machine that measured. The document's figures stand between two
comments, `<!-- measured: NAME -->` and `<!-- /measured -->`; article_tables.py makes what comes between.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from article_tables import QUIET, TABLES, cpus_left

SCHEMA = "gilscope.article/1"
KEPT_SCHEMA = "gilscope.article-figures/1"
FOLDER = Path(__file__).resolve().parent.parent / "docs" / "article"
DOCUMENT = FOLDER.with_suffix(".md")

MODE_KEYS = ("mode", "status", "reason", "gil", "start_method", "concurrency", "parallelism", "cpu_ns", "max_rss_bytes")
ESTIMATES = ("work_ns", "setup_ns", "speedup")
GIL_KEYS = ("hold_share", "wait_share", "forced", "handoffs")
THREAD_KEYS = ("name", "holds", "hold_share", "waits", "wait_share", "forced")
FLAVOUR_KEYS = (
    "name",
    "version",
    "status",
    "reason",
    "sequential_s",
    "threads_s",
    "threads_by_sequential",
    "has_gil",
)
SIGNIFICANT_DIGITS = 6
# Two names or more, so that "and/or" is none.
PATH = re.compile(r"(?<![\w.])(?:/[\w.+~-]+)+/([\w.+~-]+)")
BLOCK = re.compile(r"(<!-- measured: (?P<name>[a-z-]+) -->\n).*?(<!-- /measured -->)", re.DOTALL)


class FiguresError(Exception):
    """What happened, in words for a person."""


def pick(row: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the row with these keys alone."""
    return {key: row[key] for key in keys if key in row}


def keep_mode(mode: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of a mode's row: no single samples, no traceback."""
    kept = pick(mode, MODE_KEYS)
    for name in ESTIMATES:
        kept[name] = mode[name] and pick(mode[name], ("median", "low", "high"))
    kept["gil_figures"] = mode["gil_figures"] and pick(mode["gil_figures"], GIL_KEYS)
    return kept


def keep_comparison(comparison: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what is kept of a comparison: its modes."""
    if comparison is None:
        return None
    return {"rounds": comparison["rounds_done"], "modes": [keep_mode(mode) for mode in comparison["modes"]]}


def keep_program(program: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of a program's run: how long, and what its first process did with the GIL."""
    kept = pick(program, ("program", "reason", "wall_ns"))
    processes = (program["summary"] or {}).get("processes", [])
    kept["processes"] = len(processes)
    kept["threads"] = [pick(thread, THREAD_KEYS) for thread in processes[0]["threads"]] if processes else []
    return kept


def without_paths(value: Any) -> Any:
    """Return it with numbers that are short enough to read, and with the name alone of each file."""
    if isinstance(value, dict):
        return {key: without_paths(one) for key, one in value.items()}
    if isinstance(value, list):
        return [without_paths(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    return PATH.sub(r"\1", value) if isinstance(value, str) else value


def keep(result: Any) -> dict[str, Any]:
    """Return what is kept of a result; of what was kept already, all."""
    schema = result.get("schema") if isinstance(result, dict) else None
    if schema == KEPT_SCHEMA:
        return dict(result)
    if schema != SCHEMA:
        raise FiguresError(f"this is no result of `gilscope article --json`: its schema is {schema}")
    kept = {
        "schema": KEPT_SCHEMA,
        "python": pick(result["python"], ("implementation", "version", "linkage", "free_threaded")),
        "machine": pick(result["machine"], ("model", "cpus", "usable_cpus")),
        **pick(result, ("full", "iterations", "scale", "rounds", "complete", "claims", "seconds")),
        "programs": [keep_program(program) for program in result["programs"]],
        "comparisons": {name: keep_comparison(one) for name, one in result["comparisons"].items()},
        **pick(result, ("forced_holds", "process_counts", "exchange")),
        "flavours": [pick(flavour, FLAVOUR_KEYS) for flavour in result["flavours"]],
    }
    document: dict[str, Any] = without_paths(kept)
    return document


def to_text(kept: dict[str, Any]) -> str:
    """Return it as JSON, a list of numbers on one line."""
    text = json.dumps(kept, indent=1, ensure_ascii=False)
    return re.sub(r"\[[\s\d,.]*\]", lambda numbers: re.sub(r"\s+", " ", numbers[0]), text) + "\n"


def fill(document: str, kept: dict[str, Any]) -> str:
    """Return the document with the figures in place."""

    def table(match: re.Match[str]) -> str:
        make = TABLES.get(match["name"])
        if make is None:
            raise FiguresError(f"no table is called {match['name']}: {', '.join(TABLES)}")
        return f"{match[1]}\n{make(kept)}\n\n{match[3]}"

    return BLOCK.sub(table, document)


def main() -> int:
    """Keep, fill, or check; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", nargs="?", type=Path, help="of gilscope article --json (default: what was kept)")
    parser.add_argument("--kept", type=Path, default=FOLDER / "measured.json", metavar="FILE")
    parser.add_argument("--document", type=Path, default=DOCUMENT, metavar="FILE")
    parser.add_argument("--check", action="store_true", help="only say whether the document has the figures kept")
    options = parser.parse_args()
    source = options.result or options.kept
    try:
        kept = keep(json.loads(source.read_text(encoding="utf-8")))
        if not kept["complete"]:
            raise FiguresError("that run was interrupted")
        before = options.document.read_text(encoding="utf-8")
        after = fill(before, kept)
    except (OSError, ValueError, FiguresError) as error:
        print(f"article_figures.py: {source}: {error}", file=sys.stderr)
        return 1
    if options.check:
        if after != before:
            print(f"{options.document} has other figures than {source}: run tools/article_figures.py", file=sys.stderr)
        return int(after != before)
    if (got := cpus_left(kept)) is not None and got < QUIET:
        print(f"article_figures.py: the machine was busy: two counts at once got {got:.2f} CPUs", file=sys.stderr)
    options.kept.write_text(to_text(kept), encoding="utf-8")
    options.document.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
