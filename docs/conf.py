"""How Sphinx makes the site of these pages: `make docs`. What is generated into a page is made in generators/."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import gilscope

sys.path.insert(0, str(Path(__file__).parent))
from generators import command_line, console, docstrings, json_schemas, plugins, python_api

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "gilscope"
author = copyright = "the gilscope authors"  # noqa: A001  (Sphinx's names)
version = release = gilscope.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["generators", "examples"]
nitpicky = True
# Python's own names are not in this site, and a list of them would be a download.
nitpick_ignore_regex = [(r"py:.*", r"(?!gilscope\b).*")]
autodoc_mock_imports = python_api.OPTIONAL
autodoc_class_signature = "separated"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
add_module_names = False
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
highlight_language = "none"
smartquotes = False  # -- is an option, and stays one

# Furo fetches nothing from the network: what a reader's browser loads is in the site.
html_theme = "furo"
html_title = f"gilscope {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}

GENERATORS = {
    "command-line": command_line.page,
    "decisions": lambda: "```{toctree}\n:hidden:\n:glob:\n\n0*\n```",
    "json-schemas": json_schemas.page,
    "magics": plugins.magics,
    "pytest-plugin": plugins.pytest_plugin,
    "python-api": python_api.page,
    "python-parts": python_api.parts,
}
MARK = re.compile(r"^<!-- generated: ([a-z-]+) -->$", re.MULTILINE)


def generate(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Put what is generated into the page; a name that no generator has is a KeyError, and ends the build."""
    source[0] = MARK.sub(lambda mark: GENERATORS[mark[1]](), source[0])


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_lexer("console", console.ConsoleLexer)
    app.connect("source-read", generate)
    app.connect("autodoc-process-docstring", docstrings.to_rst)
