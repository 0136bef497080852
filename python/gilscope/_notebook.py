"""%gil and %%gil for IPython and Jupyter: the summary of a line or cell."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from gilscope import _html, _timeline
from gilscope._trace import TimedTrace

if TYPE_CHECKING:
    from types import CodeType

    from gilscope._summary import Summary


def load(shell: Any) -> None:
    """Add the magics to an IPython shell."""
    from IPython.core.magic import no_var_expand

    @no_var_expand  # type: ignore[untyped-decorator, unused-ignore]  # {} and $ are the code's
    def gil(line: str, cell: str | None = None) -> object:
        """Trace the GIL while a line or a cell runs, and show who held it and who waited.

        %gil STATEMENT, or %%gil above a cell. The value of the last expression is the line's or the cell's, and the
        summary (a gilscope.Summary) is in the variable `_gil`. A notebook shows it as a table, under a timeline of
        when each thread held the GIL and waited for it. It is shown after an error too, which stays one. Top-level
        `await` is not possible.
        """
        return _run(shell, line if cell is None else f"{line}\n{cell}")

    shell.register_magic_function(gil, magic_kind="line_cell", magic_name="gil")


def _run(shell: Any, source: str) -> object:
    from IPython.display import display

    statements, last = _compile(shell, source)
    with TimedTrace() as t:
        try:
            exec(statements, shell.user_ns)  # noqa: S102  (what the user typed)
            return eval(last, shell.user_ns) if last else None  # noqa: S307  (likewise)
        finally:
            shell.user_ns["_gil"] = t.stop()
            display(_Result(t.summary, t.take_timeline()))  # type: ignore[no-untyped-call, unused-ignore]


class _Result:
    """What a cell shows: a summary, and when it all happened."""

    def __init__(self, summary: Summary, timeline: dict[str, Any] | None) -> None:
        self._summary = summary
        self._timeline = timeline

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001  (as IPython calls it)
        self._summary._repr_pretty_(printer, cycle)

    def _repr_html_(self) -> str:
        processes = self._summary.processes
        picture = _timeline.svg_of(self._timeline, processes[0].pid) if self._timeline and processes else ""
        return _html.of_summary(self._summary, picture)


def _compile(shell: Any, source: str) -> tuple[CodeType, CodeType | None]:
    """The statements, and the expression at the end, if there is one. What IPython allows in a cell is allowed here."""
    tree = shell.transform_ast(shell.compile.ast_parse(shell.transform_cell(source)))
    last: ast.expr | None = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = tree.body.pop().value
    # A name that IPython knows: tracebacks show the lines.
    name = shell.compile.cache(source)
    statements = shell.compile(tree, name, "exec")
    return statements, None if last is None else shell.compile(ast.Expression(last), name, "eval")
