"""README.md and docs/: the commands on the pages can be done, and print what stands below them but for figures."""

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [str(page.relative_to(ROOT)) for page in runpy.run_path(str(ROOT / "tools" / "docs_outputs.py"))["pages"]()]
has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()


@pytest.mark.any_host
@pytest.mark.skipif(
    sys.version_info < (3, 12) or not has_gil,
    reason="the pages show a Python that has a GIL, and sub-interpreters with a GIL of their own",
)
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_print_what_it_shows_but_for_figures(run, host, page) -> None:
    checked = run(
        [sys.executable, "tools/docs_outputs.py", "--check", page],
        cwd=ROOT,
        env={"GILSCOPE_HOST": host},
        timeout=300,
    )
    assert checked.returncode == 0, checked.stderr
