"""The options that all of the article's programs share: its durations and sizes, made adjustable.

Every program takes all of them, so that one command line suits any of them. They are read from sys.argv when
they are needed, never at import: who imports a program for its functions sets sys.argv before calling them.
"""

import argparse
import math
import os
import sys
from pathlib import Path
from typing import NamedTuple

ARTICLE_ITERATIONS = 100_000_000


class Options(NamedTuple):
    """What the user asked for."""

    iterations: int
    scale: float
    database: str  # an SQLite file or a PostgreSQL URL; "" is the default file


# argparse words what these cannot convert by their names: "invalid whole_number value: 'x'".
def whole_number(text: str) -> int:
    """Return the number that the text says, 0 or more."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must not be negative: {text}")
    return value


def factor(text: str) -> float:
    """Return the finite number that the text says, 0 or more."""
    value = float(text)
    if value < 0 or not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be finite, and not negative: {text}")
    return value


def duration(text: str) -> float:
    """Return the seconds that the text says, above 0 and at most a day."""
    value = float(text)
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(f"must be above 0, and at most 86400: {text}")
    return value


def output_file(text: str) -> str:
    """Return the path of a file that can be written, or the - of the output."""
    file = Path(text)
    if text != "-" and (file.is_dir() or not os.access(file if file.exists() else file.parent, os.W_OK)):
        raise argparse.ArgumentTypeError(f"cannot write {file}")
    return text


def make_parser(description: str | None, iterations: int) -> argparse.ArgumentParser:
    """Return a parser of the shared options, to which a program may add its own."""
    # Abbreviations would take options for ours that are somebody else's.
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument(
        "--iterations",
        type=whole_number,
        default=iterations,
        metavar="N",
        help="iterations of each counting loop (default: %(default)s)",
    )
    parser.add_argument(
        "--scale",
        type=factor,
        default=1.0,
        metavar="FACTOR",
        help="multiply every sleep and every query's time by this (default: 1; a program without any ignores it)",
    )
    parser.add_argument(
        "--database",
        default="",
        metavar="FILE|URL",
        help="the company's database: an SQLite file, made on first use (default: in the user's cache), or a "
        "postgresql:// URL (a program that asks no database ignores it)",
    )
    return parser


def read(
    description: str | None, *, iterations: int = ARTICLE_ITERATIONS, max_iterations: int | None = None
) -> Options:
    """Return the options of a program run as a script: anything unknown or wrong ends it with code 2."""
    parser = make_parser(description, iterations)
    options = Options(**vars(parser.parse_args()))
    if max_iterations is not None and options.iterations > max_iterations:
        parser.error(f"argument --iterations: must be at most {max_iterations} here: {options.iterations}")
    return options


def current(*, iterations: int = ARTICLE_ITERATIONS) -> Options:
    """Return the options in sys.argv, whoever's command line that is: what is unknown is ignored."""
    known, _ = make_parser(None, iterations).parse_known_args(sys.argv[1:])
    return Options(**vars(known))
