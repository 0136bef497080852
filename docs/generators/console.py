"""How blocks of the language `console` are coloured: a line that begins with `$ ` is a command, all else its output.

Pygments' own lexer takes lines of output that begin with `%`, `#` or `>` for commands.
"""

from typing import ClassVar

from pygments.lexer import RegexLexer
from pygments.token import Generic, Text


class ConsoleLexer(RegexLexer):  # type: ignore[misc]
    """As tools/docs_outputs.py reads them."""

    name = "console"
    tokens: ClassVar = {"root": [(r"^\$ (?:.*\\\n)*.*\n", Generic.Strong), (r".*\n", Generic.Output), (r".+", Text)]}
