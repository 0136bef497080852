"""Small faults for tools/mutants.py: what may be changed in a line of a source, and into what; which are drawn.

A line at a time and without a parser: what does not compile is noticed soon enough. Comments, strings, includes and
asserts stay.
"""

from __future__ import annotations

import io
import random
import re
import tokenize
from itertools import accumulate, islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCES = ("host/**/*.cpp", "host/**/*.h", "host/**/*.py", "python/gilscope/*.py")
# C++: comments, raw strings, strings, characters (but not the ' of 10'000).
NO_CODE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<end>\w*)\(.*?\)(?P=end)"|"(?:\\.|[^"\\\n])*"|(?<!\w)'(?:\\[^\n]+?|[^'\\\n])'""",
    re.DOTALL,
)
NO_CODE_TOKENS = {"COMMENT", "STRING", "FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END"}
UNTOUCHED = re.compile(r"\s*(#|import |from |using |namespace |template)|.*assert", re.IGNORECASE)

OPERATORS = {
    "comparison": {"==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "is": "is not", "is not": "is"}
    | {"in": "not in", "not in": "in"},
    "sign": {"+": "-", "-": "+", "*": "+", "+=": "-=", "-=": "+="},
    "logic": {"&&": "||", "||": "&&", "and": "or", "or": "and"},
}
BOOLEANS = {"true": "false", "false": "true", "True": "False", "False": "True"}
NEGATION = re.compile(r"(?<=[ (])!(?=[\w(])|(?<!is )\bnot (?!in\b)")
NUMBER = re.compile(r"(?<![\w.'])\d+(?![\w'])")
CALL = re.compile(r"(?!(?:return|if|for|while|switch|throw|except|with)\b)[\w.:]+(?:->[\w.]+)*\(.*\);?")


class Mutant(NamedTuple):
    """A line and what becomes of it."""

    file: str
    line: int  # from 1
    kind: str
    before: str
    after: str

    def __str__(self) -> str:
        """The same in every checkout and in all results."""
        return f"{self.file}:{self.line} {self.before.strip()} -> {self.after.strip()}"

    def index_in(self, lines: list[str]) -> int | None:
        """Where the line is, which may have moved; None where it is no more."""
        found = [index for index, line in enumerate(lines) if line == self.before]
        return min(found, key=lambda index: abs(index + 1 - self.line), default=None)


def code_of(text: str, *, is_python: bool) -> str:
    """The text with spaces for comments and underscores for strings."""
    if is_python:
        begins = [0, *accumulate(map(len, text.splitlines(keepends=True)))]
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        spans = [
            (begins[token.start[0] - 1] + token.start[1], begins[token.end[0] - 1] + token.end[1])
            for token in tokens
            if tokenize.tok_name[token.type] in NO_CODE_TOKENS
        ]
    else:
        spans = [found.span() for found in NO_CODE.finditer(text)]
    for begin, end in spans:
        filler = " " if text[begin : begin + 1] in {"/", "#"} else "_"
        text = text[:begin] + re.sub(r"[^\n]", filler, text[begin:end]) + text[end:]
    return text


def changes(code: str, *, is_python: bool) -> Iterator[tuple[str, int, int, str]]:
    """Of a line without strings and comments: the kind, where, and what to put there."""
    for kind, operators in OPERATORS.items():
        longest_first = "|".join(map(re.escape, sorted(operators, key=len, reverse=True)))
        # With spaces, as our format has them: not the < of a template, nor the * of a pointer.
        for found in re.finditer(rf"(?<= )(?:{longest_first})(?= |$)", code):
            yield kind, *found.span(), operators[found[0]]
    for found in re.finditer(rf"\b(?:{'|'.join(BOOLEANS)})\b", code):
        yield "boolean", *found.span(), BOOLEANS[found[0]]
    for found in NEGATION.finditer(code):
        yield "negation", *found.span(), ""
    for found in NUMBER.finditer(code):
        yield "number", *found.span(), str(int(found[0]) + 1)
    call = code.strip()
    if CALL.fullmatch(call) and call.count("(") == call.count(")") and call.endswith(";") != is_python:
        begin = code.index(call)
        yield "call", begin, begin + len(call), "pass" if is_python else "{}"


def mutants_of(file: str, text: str) -> list[Mutant]:
    """All that can be made of a source; of Python, what compiles."""
    is_python = file.endswith(".py")
    lines = text.split("\n")
    made = []
    for number, (line, code) in enumerate(zip(lines, code_of(text, is_python=is_python).split("\n"), strict=True), 1):
        if UNTOUCHED.match(code):
            continue
        for kind, begin, end, new in changes(code, is_python=is_python):
            after = line[:begin] + new + line[end:]
            if not is_python or compiles("\n".join([*lines[: number - 1], after, *lines[number:]])):
                made.append(Mutant(file, number, kind, line, after))
    return made


def compiles(source: str) -> bool:
    """As Python."""
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def draw(checkouts: list[Path], seed: int, count: int) -> list[Mutant]:
    """At most one of a line; of lines that are in all the checkouts. More begin with the same ones."""
    first = checkouts[0]
    by_line: dict[tuple[str, int], list[Mutant]] = {}
    for file in sorted(str(path.relative_to(first)) for pattern in SOURCES for path in first.glob(pattern)):
        for mutant in mutants_of(file, (first / file).read_text()):
            by_line.setdefault((file, mutant.line), []).append(mutant)

    def is_in(checkout: Path, mutant: Mutant) -> bool:
        path = checkout / mutant.file
        return path.exists() and mutant.index_in(path.read_text().split("\n")) is not None

    chance = random.Random(seed)  # noqa: S311
    drawn = [chance.choice(by_line[line]) for line in chance.sample(sorted(by_line), len(by_line))]
    return list(islice((mutant for mutant in drawn if all(is_in(checkout, mutant) for checkout in checkouts)), count))
