"""What `run` and `report` write of a capture for other programs: on live captures, each figure against the report's.

That other programs can read it is tested on golden files as well (tests/python/test_foreign_formats.py); only here
captures of several processes, with stacks and names of their own, go through the commands.
"""

import json

import pytest
from jsonschema import Draft202012Validator
from tests.foreign_formats import check_firefox, check_speedscope, read_collapsed
from tests.integration.waits import WAITS
from tests.schemas import read_schema

pytestmark = pytest.mark.any_host

# Of two processes; names that are no names.
CONTENDED = (
    WAITS
    + """
names = [f"a;b {i}\\n<script>" for i in range(2)]
make_wait(names)
pid = os.fork()
if pid == 0:
    make_wait(names)
    os._exit(0)
os.waitpid(pid, 0)
"""
)
# Written by `run` and by `report`.
KINDS = ["--trace", "--firefox", "--flamegraph", "--speedscope"]


@pytest.fixture(autouse=True)
def only_with_a_gil(free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")


@pytest.fixture
def exported(run, host, script, capture, tmp_path, report_truth):
    """Writes the file of an option, by `run` and again by `report`: both alike; returns it and the report's JSON."""

    def exported(option):
        first, again = tmp_path / "first", tmp_path / "again"
        assert run([host, "run", "-q", "-o", str(capture), option, str(first), script(CONTENDED)]).returncode == 0
        assert run([host, "report", "-q", option, str(again), str(capture)]).returncode == 0
        assert first.read_bytes() == again.read_bytes()
        return first.read_text(encoding="utf-8"), report_truth(capture)

    return exported


def waits(process):
    return sum(thread["wait_ns"] for thread in process["threads"])


def test_a_flame_graph_has_all_waits_by_process_thread_and_stack(exported):
    text, report = exported("--flamegraph")
    stacks = read_collapsed(text)
    for process, title in zip(report["processes"], ("process {}", "process {} (fork)"), strict=True):
        own = [(frames, weight) for frames, weight in stacks if frames[0] == title.format(process["pid"])]
        assert sum(weight for _, weight in own) == pytest.approx(waits(process), abs=len(own) + 10)
        # Both waited while the main thread kept it, and one while the other was first.
        assert any(frames[1] == "MainThread" and "make_wait (" in frames[-1] for frames, _ in own)
        (reader, *_) = [frames for frames, _ in own if frames[1] in ("a:b 0?<script>", "a:b 1?<script>")]
        assert reader[2:] == ["(lines not known)"] or reader[2].startswith("Thread._bootstrap (")


def test_a_speedscope_profile_has_all_waits_by_thread(exported):
    text, report = exported("--speedscope")
    document = json.loads(text)
    check_speedscope(document)
    assert document["name"].startswith("gilscope run ")
    for process in report["processes"]:
        own = [row for row in document["profiles"] if row["name"].startswith(f"process {process['pid']}")]
        assert sum(row["endValue"] for row in own) == pytest.approx(waits(process), abs=100)
        heaviest = [row["weights"][0] for row in own if not row["name"].endswith("(nobody held the GIL)")]
        assert heaviest == sorted(heaviest, reverse=True)
        assert any(row["name"].endswith((": a;b 0\n<script>", ": a;b 1\n<script>")) for row in own)
        (main,) = [row for row in own if row["name"].endswith(": MainThread")]
        inner = {document["shared"]["frames"][sample[-1]]["name"] for sample in main["samples"]}
        assert "make_wait" in inner


def test_a_firefox_profile_has_all_holds_and_waits_and_the_stacks_that_made_others_wait(exported):
    text, report = exported("--firefox")
    document = json.loads(text)
    check_firefox(document)
    threads = {(row["pid"], row["tid"]): row for row in document["threads"]}
    for process in report["processes"]:
        caused = 0.0
        for row in process["threads"]:
            thread = threads[str(process["pid"]), row["id"]]
            assert thread["name"] == row["name"]
            assert thread["isMainThread"] == (row["id"] == process["pid"])
            markers, names = thread["markers"], thread["stringArray"]
            for name, figure in (("hold", "hold_ns"), ("wait", "wait_ns")):
                own = [at for at, number in enumerate(markers["name"]) if names[number] == name]
                assert len(own) == row[name + "s"]
                length = sum(markers["endTime"][at] - markers["startTime"][at] for at in own)
                assert length * 1e6 == pytest.approx(row[figure], abs=3 * len(own) + 9)
            assert sum(data.get("forced") == "forced" for data in markers["data"]) == row["forced"]
            caused += sum(thread["samples"]["weight"])
        blamed = [row["caused_wait_ns"] for row in process["blame"] if row["thread"] is not None]
        assert caused * 1e6 == pytest.approx(sum(blamed), abs=1000)
        main = threads[str(process["pid"]), process["pid"]]
        functions = [main["stringArray"][number] for number in main["funcTable"]["name"]]
        assert "make_wait" in functions
    assert len(document["threads"]) == sum(len(process["threads"]) for process in report["processes"])


def slice_around(slices, arrow):
    """The one that has begun before the arrow's end, and ends after it."""
    own = [row for row in slices if (row["pid"], row["tid"]) == (arrow["pid"], arrow["tid"])]
    (found,) = [row for row in own if row["ts"] < arrow["ts"] < row["ts"] + row["dur"]]
    return found


def test_the_time_line_has_blame_and_an_arrow_from_each_hold_to_each_wait(exported):
    text, report = exported("--trace")
    document = json.loads(text)
    Draft202012Validator(read_schema("trace.schema.json")).validate(document)
    events = document["traceEvents"]
    slices = [row for row in events if row["ph"] == "X"]
    for process in report["processes"]:
        blamed = [row for row in slices if row["pid"] == process["pid"] and "caused_wait_ns" in row["args"]]
        caused = sum(row["caused_wait_ns"] for row in process["blame"] if row["thread"] is not None)
        assert sum(row["args"]["caused_wait_ns"] for row in blamed) == pytest.approx(caused, abs=3 * len(blamed) + 9)
        assert any((row["args"]["to"] or "").startswith("make_wait (") for row in blamed)
    ends = {row["id"]: row for row in events if row["ph"] == "f"}
    begins = {row["id"]: row for row in events if row["ph"] == "s"}
    assert begins.keys() == ends.keys()
    assert begins
    waits_of_holds: dict[tuple[float, int], float] = {}
    for number, begin in begins.items():
        end = ends[number]
        hold, wait = slice_around(slices, begin), slice_around(slices, end)
        assert (hold["name"], wait["name"]) == ("hold", "wait")
        assert begin["ts"] == end["ts"]
        overlap = min(hold["ts"] + hold["dur"], wait["ts"] + wait["dur"]) - max(hold["ts"], wait["ts"])
        key = (hold["ts"], hold["tid"])
        waits_of_holds[key] = waits_of_holds.get(key, 0) + overlap * 1000
    for row in slices:
        if row["args"].get("caused_wait_ns", 0) > 1000:
            assert waits_of_holds[row["ts"], row["tid"]] == pytest.approx(row["args"]["caused_wait_ns"], abs=20)


@pytest.mark.parametrize("option", KINDS)
def test_each_goes_to_standard_output_alone(run, host, capture, tmp_path, option):
    file = tmp_path / "file"
    assert run([host, "run", "-q", "-o", str(capture), option, str(file), "-c", "pass"]).returncode == 0
    printed = run([host, "report", option, "-", str(capture)])
    assert (printed.returncode, printed.stdout, printed.stderr) == (0, file.read_text(), "")
    ran = run([host, "run", "-q", option, "-", "-c", "print('from the script')"])
    assert ran.stdout.startswith("from the script\n")


@pytest.mark.parametrize("option", KINDS)
def test_a_file_that_exists_is_kept_without_force(run, host, capture, tmp_path, option):
    file = tmp_path / "file"
    file.write_text("mine")
    assert run([host, "run", "-q", "-o", str(capture), "-c", "pass"]).returncode == 0
    for command in ([host, "report", option, str(file), str(capture)], [host, "run", option, str(file), "-c", "pass"]):
        refused = run(command)
        assert refused.returncode == 2
        assert f"{file} exists already" in refused.stderr
    assert file.read_text() == "mine"
    assert run([host, "report", "-q", "--force", option, str(file), str(capture)]).returncode == 0
    assert file.read_text() != "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--flamegraph", "x", "--speedscope", "x"], "--flamegraph and --speedscope name one file"),
        (["--json", "-", "--flamegraph", "-"], "--json and --flamegraph name one file"),
        (["--speedscope", ""], "the file's name is empty"),
    ],
)
@pytest.mark.parametrize("command", [["run"], ["report"]])
def test_two_in_one_file_are_refused(run, host, tmp_path, command, arguments, said):
    asked = run([host, *command, *arguments, *(["-c", "pass"] if command == ["run"] else ["capture"])], cwd=tmp_path)
    assert asked.returncode == 2
    assert said in asked.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", KINDS)
def test_none_lies_in_the_capture_or_is_of_two(run, host, tmp_path, option):
    inside = run([host, "run", "-o", "c", option, "c/file", "-c", "pass"], cwd=tmp_path)
    assert inside.returncode == 2
    assert "cannot lie in the capture" in inside.stderr
    both = run([host, "report", option, "x", "before", "after"], cwd=tmp_path)
    assert both.returncode == 2
    assert f"{option} is of one capture, and two are given" in both.stderr
    assert list(tmp_path.iterdir()) == []
