"""`--html`: the file, whatever opens it. What a browser makes of it is in test_html_browser.py.

Only here the figures that a page draws are held against those of the report that it shows.
"""

import json

import pytest
from tests.integration.summaries import READS, document_of
from tests.integration.waits import WAITS

pytestmark = pytest.mark.any_host

THREADS = """
import threading
def work(): sum(range(400_000))
threads = [threading.Thread(target=work, name=f"worker {i}") for i in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
TICKS = {"hold": 2, "wait": 3}  # of the eight numbers of a cell


def sums_of(row):
    """A row's held and waited nanoseconds."""
    return {kind: sum(row["cells"][at::8]) for kind, at in TICKS.items()}


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
    assert free_threaded or document["timeline"] is not None
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


def make_wait(names="['reader']"):
    """Code whose line `os.read(zero, 1)` makes others wait, below frames of the standard library."""
    return WAITS + f"make_wait({names})"


def sources_of(page):
    """The text of the lines that the page has of each file."""
    return {file: "\n".join(lines.values()) for file, lines in document_of(page)["sources"].items()}


@pytest.fixture
def with_gil(free_threaded):
    """For tests of lines."""
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")


@pytest.mark.usefixtures("with_gil")
def test_lines_of_the_script_are_in_the_page_unless_it_was_changed(run, host, script, capture, tmp_path):
    file = script(make_wait())
    assert run([host, "run", "-q", "-o", str(capture), "--html", str(tmp_path / "a.html"), file]).returncode == 0
    assert "os.read(zero, 1)" in sources_of(tmp_path / "a.html")[file]
    report = [host, "report", "-q", "--sources", "--html"]
    assert run([*report, str(tmp_path / "b.html"), str(capture)]).returncode == 0
    assert "os.read(zero, 1)" in sources_of(tmp_path / "b.html")[file]
    script("# another one\n" * 9)
    assert run([*report, str(tmp_path / "c.html"), str(capture)]).returncode == 0
    assert file not in sources_of(tmp_path / "c.html")


@pytest.mark.usefixtures("with_gil")
@pytest.mark.parametrize("start", ["script", "module", "folder", "code"])
def test_a_run_shows_lines_of_its_own_code_alone(run, host, tmp_path, start):
    for folder in ("here", "there", "elsewhere", "here/.venv/lib/python3/site-packages"):
        (tmp_path / folder).mkdir(parents=True)
    code = make_wait()
    files = {
        "own": tmp_path / ("there" if start in ("script", "folder") else "here") / "own.py",
        "installed": tmp_path / "here/.venv/lib/python3/site-packages/installed.py",
        "other": tmp_path / "elsewhere" / "other.py",
    }
    for file in files.values():
        file.write_text(code)
    main = files["own"].parent / ("__main__.py" if start in ("module", "folder") else "main.py")
    main.write_text(
        f"import os, runpy, sys; os.chdir('/')\nfor file in {list(map(str, files.values()))}: runpy.run_path(file)\n"
    )
    started = {
        "script": [str(main)],
        "folder": [str(main.parent)],
        "module": ["-m", "__main__"],
        "code": ["-c", main.read_text()],
    }
    if start == "module":
        main.rename(main.with_name("program.py"))
        started["module"] = ["-m", "program"]
    for flags in ([], ["--sources"]):
        page = tmp_path / "page.html"
        command = [host, "run", "-q", "--force", "--html", str(page), *flags, *started[start]]
        assert run(command, cwd=tmp_path / "here").returncode == 0
        found = sources_of(page)
        assert "os.read(zero, 1)" in found[str(files["own"])]
        assert (str(files["installed"]) in found) == bool(flags)
        assert (str(files["other"]) in found) == bool(flags)
        assert any(file.endswith("/threading.py") for file in found) == bool(flags)


@pytest.mark.usefixtures("with_gil")
def test_a_report_shows_no_line_of_a_file_that_a_capture_merely_names(run, host, script, capture, tmp_path):
    (tmp_path / "secret.py").write_text("PASSWORD = 'swordfish'\n" * 60)
    (tmp_path / "config.py").symlink_to("/etc/passwd")
    named = ["/etc/passwd", str(tmp_path / "config.py"), str(tmp_path / "secret.py")]
    code = f"""
code = {make_wait()!r}
for name in {named}: exec(compile(code, name, "exec"), {{}})
"""
    file = script(code)
    assert run([host, "run", "-q", "-o", str(capture), file]).returncode == 0
    pages = {flags: tmp_path / f"page{len(flags)}.html" for flags in [(), ("--sources",)]}
    for flags, page in pages.items():
        assert run([host, "report", "-q", "--html", str(page), *flags, str(capture)], cwd=tmp_path).returncode == 0
        assert "root:" not in page.read_text("utf-8")
        blame = [row for process in document_of(page)["report"]["processes"] for row in process["blame"]]
        blamed = {place["file"] for row in blame for place in row["stack"]}
        assert blamed >= set(named)
    assert sources_of(pages[()]) == {}
    assert "swordfish" not in pages[()].read_text("utf-8")
    assert named[2] in sources_of(pages[("--sources",)])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--html", "", "-c", "1"], "the file's name is empty"),
        (["--json", "x", "--html", "x", "-c", "1"], "--json and --html name one file"),
        (["--trace", "x", "--html", "x", "-c", "1"], "--html and --trace name one file"),
        (["-o", "c", "--html", "c/p.html", "-c", "1"], "the page cannot lie in the capture"),
        (["--no-probe", "--html", "p", "-c", "1"], "--no-probe"),
        (["--sources", "-c", "1"], "--sources is of the page"),
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
