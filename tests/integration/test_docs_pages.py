"""README.md and docs/: what the pages show can be done, and still says what they say."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.hosts import only_binary

pytestmark = pytest.mark.any_python

ROOT = Path(__file__).resolve().parents[2]
PAGES = [str(page.relative_to(ROOT)) for page in runpy.run_path(str(ROOT / "tools" / "docs_outputs.py"))["pages"]()]
has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()


@pytest.mark.alone  # what a page says holds on a quiet machine
@only_binary  # the package prints the same; once is slow enough
@pytest.mark.skipif(
    sys.version_info < (3, 12) or not has_gil,
    reason="the pages show a Python that has a GIL, and sub-interpreters with a GIL of their own",
)
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_print_what_it_shows_but_for_figures(host, page) -> None:
    checked = subprocess.run(
        [sys.executable, "tools/docs_outputs.py", "--check", page],
        cwd=ROOT,
        env={**os.environ, "GILSCOPE_HOST": host},
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr
