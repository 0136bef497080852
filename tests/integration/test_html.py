"""`--html`: the file, whatever opens it. What a browser makes of it is in test_html_browser.py.

Only here the figures that a page draws are held against those of the report that it shows.
"""

import json
import re

import pytest
from tests.integration.summaries import READS
from tests.integration.waits import WAITS

pytestmark = pytest.mark.any_host

THREADS = """
import threading
def work(): sum(range(400_000))
threads = [threading.Thread(target=work, name=f"worker {i}") for i in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
TICKS = {"hold": 2, "wait": 3}  # of the six numbers of a cell


def document_of(page):
    """The JSON in the page."""
    found = re.search(r'<script type="application/json" id="document">(.*?)</script>', page.read_text("utf-8"), re.S)
    assert found
    return json.loads(found[1])


def sums_of(row):
    """A row's held and waited nanoseconds."""
    return {kind: sum(row["cells"][at::6]) for kind, at in TICKS.items()}


def test_a_run_without_a_capture_makes_a_page_and_leaves_nothing_else(run, host, script, tmp_path, free_threaded):
    (tmp_path / "tmp").mkdir()
    page = tmp_path / "page.html"
    command = [host, "run", "--html", "page.html", "--json", "run.json", script("import os; os.chdir('/')\n" + THREADS)]
    ran = run(command, cwd=tmp_path, env={"TMPDIR": "tmp"})
    assert ran.returncode == 0
    document = document_of(page)
    written = json.loads((tmp_path / "run.json").read_text())
    for process in written["processes"]:
        for thread in process["threads"]:
            thread["longest_waits"] = []  # not shown, and long
    assert document["report"] == written
    assert document["report"]["verdict"]["text"] in " ".join(ran.stderr.split())
    assert (document["timeline"] is None) == free_threaded
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_timeline_has_what_the_summary_sums(run, host, script, capture, tmp_path, free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")
    code = "import os, sys\nif os.fork() == 0: sum(range(100_000)); sys.exit()\nos.wait()\n" + THREADS
    assert run([host, "run", "-q", "-o", str(capture), script(code)]).returncode == 0
    assert run([host, "report", "-q", "--html", str(tmp_path / "page.html"), str(capture)]).returncode == 0
    document = document_of(tmp_path / "page.html")
    tick = document["timeline"]["tick_ns"]
    drawn = {
        (process["pid"], row["gil"], row["thread"]): sums_of(row)
        for process in document["timeline"]["processes"]
        for row in process["rows"]
    }
    told = {
        (process["pid"], thread["gil"], thread["id"]): thread
        for process in document["report"]["processes"]
        for thread in process["threads"]
        if thread["holds"] + thread["waits"]
    }
    assert drawn.keys() == told.keys()
    assert len({pid for pid, _, _ in drawn}) == 2
    for key, sums in drawn.items():
        assert abs(sums["hold"] * tick - told[key]["hold_ns"]) <= 2
        assert abs(sums["wait"] * tick - told[key]["wait_ns"]) <= 2


def test_lines_of_the_script_are_in_the_page_unless_it_was_changed(run, host, script, capture, tmp_path, free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")
    file = script(WAITS + "make_wait(['reader'])")
    assert run([host, "run", "-q", "-o", str(capture), "--html", str(tmp_path / "a.html"), file]).returncode == 0
    assert "os.read(zero, 1)" in str(document_of(tmp_path / "a.html")["sources"][file])
    script("# another one\n" * 9)
    assert run([host, "report", "-q", "--html", str(tmp_path / "b.html"), str(capture)]).returncode == 0
    assert file not in document_of(tmp_path / "b.html")["sources"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--html", "", "-c", "1"], "the file's name is empty"),
        (["--json", "x", "--html", "x", "-c", "1"], "--json and --html name one file"),
        (["--trace", "x", "--html", "x", "-c", "1"], "--html and --trace name one file"),
        (["-o", "c", "--html", "c/p.html", "-c", "1"], "the page cannot lie in the capture"),
        (["--no-probe", "--html", "p", "-c", "1"], "--no-probe"),
    ],
)
def test_usage_errors_make_nothing(run, host, tmp_path, arguments, said):
    ran = run([host, "run", *arguments], cwd=tmp_path)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_page_is_not_overwritten_without_force(run, host, script, capture, tmp_path):
    file = script(READS)
    page = tmp_path / "page.html"
    page.write_text("mine")
    for command in (["run", "--html", str(page), file, "1"], ["report", "--html", str(page), str(capture)]):
        refused = run([host, *command])
        assert refused.returncode == 2
        assert "--force" in refused.stderr
    assert page.read_text() == "mine"
    assert run([host, "run", "-q", "--force", "--html", str(page), file, "1"]).returncode == 0
    assert document_of(page)["kind"] == "summary"
