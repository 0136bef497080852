"""%gil and %%gil: in a bare IPython shell, and in a notebook that a real kernel runs."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

import gilscope

pytest.importorskip("IPython", reason="IPython is in the dependency group integrations")
has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()


@pytest.fixture
def shell() -> Iterator[Any]:
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    shell: Any = InteractiveShell.instance(history_length=0)
    shell.history_manager.enabled = False
    assert shell.run_cell("%load_ext gilscope").success
    yield shell
    InteractiveShell.clear_instance()


def test_a_line_has_its_summary_printed(shell, capsys) -> None:
    assert shell.run_cell("%gil x = 1").success
    assert capsys.readouterr().out.startswith("gilscope: ")
    assert shell.user_ns["x"] == 1
    assert isinstance(shell.user_ns["_gil"], gilscope.Summary)


def test_a_cell_runs_in_the_namespace_and_its_last_expression_is_its_value(shell) -> None:
    shell.user_ns["a"] = 20
    done = shell.run_cell("%%gil\nfor i in range(3):\n    a += 1\nb = '{a}'\na * 2")
    assert done.success
    assert done.result == 46
    assert shell.user_ns["b"] == "{a}"


def test_a_cell_that_ends_in_a_statement_has_no_value(shell) -> None:
    assert shell.run_cell("%%gil\nc = 1").result is None


def test_other_magics_work_within(shell) -> None:
    assert shell.run_cell("%%gil\nd = %pwd\nd").result


def test_annotations_are_evaluated_as_in_any_cell(shell) -> None:
    assert shell.run_cell("%%gil\ndef f(x: int): pass\nf.__annotations__['x']").result is int


@pytest.mark.parametrize("cell", ["%%gil\n1 / 0", "%%gil\n)"])
def test_a_cell_that_fails_leaves_no_folder_though_its_traceback_lives(shell, cell, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert not shell.run_cell(cell).success
    assert list(tmp_path.iterdir()) == []


def test_nor_does_one_whose_trace_is_refused(shell, tmp_path, monkeypatch) -> None:
    def refuse() -> bool:  # whose frame has no tracer
        raise gilscope.Error("refused")

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("gilscope._native.Tracer.start", staticmethod(refuse))
    done = shell.run_cell("%gil 1")
    assert isinstance(done.error_in_exec, gilscope.Error)
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_a_cell_is_the_users_and_the_summary_is_shown(shell, capsys) -> None:
    done = shell.run_cell("%%gil\n1 / 0")
    assert isinstance(done.error_in_exec, ZeroDivisionError)
    assert "gilscope: " in capsys.readouterr().out
    assert shell.run_cell("%gil 1").success


def test_a_syntax_error_is_one_and_nothing_is_traced(shell, capsys) -> None:
    done = shell.run_cell("%%gil\n1 +")
    assert isinstance(done.error_in_exec, SyntaxError)
    assert "gilscope: " not in capsys.readouterr().out


def test_an_empty_cell_has_a_summary(shell, capsys) -> None:
    assert shell.run_cell("%gil").success
    assert capsys.readouterr().out.startswith("gilscope: ")


@pytest.mark.skipif(not has_gil, reason="this Python has no GIL")
def test_what_the_cell_did_is_in_the_summary(shell) -> None:
    shell.run_cell("import gilscope")
    shell.run_cell("%%gil\nfor _ in range(50): gilscope.release(1)")
    assert shell.user_ns["_gil"].processes[0].gils[0].voluntary >= 50


def test_loading_it_twice_changes_nothing(shell) -> None:
    shell.run_cell("%load_ext gilscope")
    assert shell.run_cell("%reload_ext gilscope").success
    assert shell.run_cell("%gil 1").success


def test_a_notebook_shows_text_and_html() -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbclient is in the dependency group integrations")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is in the dependency group integrations")
    pytest.importorskip("ipykernel", reason="ipykernel is in the dependency group integrations")
    cells = [
        "%load_ext gilscope",
        "%%gil\nimport threading\n"
        "threads = [threading.Thread(target=sum, args=(range(1000),), name='<script>') for _ in range(2)]\n"
        "for t in threads: t.start()\n"
        "for t in threads: t.join()\n"
        "'value'",
        "%%gil\n1 / 0",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python"}
    client = nbclient.NotebookClient(notebook, timeout=120, allow_errors=True, kernel_name="python3")
    client.execute()
    shown, value = notebook.cells[1].outputs
    assert shown.output_type == "display_data"
    assert shown.data["text/plain"].startswith("gilscope: ")
    assert "<p>gilscope: " in shown.data["text/html"]
    assert ("<svg" in shown.data["text/html"]) == has_gil
    assert "<script>" not in shown.data["text/html"]
    if has_gil:
        assert "&lt;script&gt;" in shown.data["text/html"]
    assert value.data["text/plain"] == "'value'"
    assert [output.output_type for output in notebook.cells[2].outputs] == ["display_data", "error"]
    assert notebook.cells[2].outputs[1].ename == "ZeroDivisionError"
