"""What `gilscope run` says of the GIL after the script: the figures as constructed, and the script as it was.

Only here the summary of a live run is held against what its script did: counts to the last release, sums that agree,
ends of every kind with the JSON written, or not. Verdicts and words are rules, with unit tests; who is busy, and for
which share of a run, is the scheduler's to say.
"""

import json
import signal

import pytest
from tests.integration.summaries import READS, gils, main_thread, releases

# Two threads that compute, each until the other had its turns: no time limit decides how often they change.
CONTENDED = """
import threading
ready = threading.Barrier(2)
turns = [0, 0]
def work(mine):
    ready.wait()
    before, seen = turns[1 - mine], 0
    while seen < 10:
        turns[mine] += 1
        if turns[1 - mine] != before:
            before, seen = turns[1 - mine], seen + 1
    turns[mine] = -1
threads = [threading.Thread(target=work, args=(n,), name=f"worker {n}") for n in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.fixture(autouse=True)
def only_with_a_gil(request, free_threaded):
    if free_threaded and not request.node.get_closest_marker("without_a_gil"):
        pytest.skip("free-threaded: there is no GIL")


@pytest.mark.contract
def test_threads_that_compute_force_each_other_and_wait(summarize):
    result, document = summarize(CONTENDED)
    assert result.returncode == 0
    assert result.stderr.startswith("\ngilscope: ")
    (process,) = document["processes"]
    (gil,) = process["gils"]
    assert gil["forced"] >= 20
    assert gil["handoffs"] >= 20
    assert gil["overlaps"] == 0
    assert gil["interpreters"] == [0]
    workers = [thread for thread in process["threads"] if str(thread["name"]).startswith("worker ")]
    assert {thread["name"] for thread in workers} == {"worker 0", "worker 1"}
    for thread in workers:
        assert thread["forced"] >= 10
        assert thread["waits"] >= 9  # but where the other has just ended
        assert 0 < thread["cpu_ns"] <= document["cpu_ns"]
        assert 0 < thread["wait"]["p50_ns"] <= thread["wait"]["p99_ns"] <= thread["wait"]["max_ns"]
        assert thread["wait"]["max_ns"] <= thread["wait_ns"] <= thread["lifetime_ns"] <= process["wall_ns"]


@pytest.mark.contract
def test_one_thread_has_a_ceiling_and_no_waits(summarize):
    _, document = summarize("total = sum(range(1_000_000))")
    (process,) = document["processes"]
    (gil,), (thread,) = process["gils"], process["threads"]
    verdict = document["verdict"]
    assert verdict["wait_share"] == 0
    assert verdict["ceiling"] in (None, pytest.approx(process["wall_ns"] / thread["hold_ns"]))
    assert (thread["name"], thread["id"], thread["waits"], thread["wait"]) == ("MainThread", process["pid"], 0, None)
    assert (process["start_method"], document["wall_ns"]) == (None, process["wall_ns"])
    assert 0 < thread["cpu_ns"] <= process["cpu_ns"] == document["cpu_ns"]
    assert gil["handoffs"] == gil["forced"] == 0
    assert gil["hold_ns"] == thread["hold_ns"] <= process["wall_ns"]


@pytest.mark.contract
def test_every_release_of_the_script_is_one_release(summarize):
    few, many = (summarize(READS, times)[1] for times in (0, 1000))
    assert releases(many) == releases(few) + 1000
    assert main_thread(many)["holds"] == main_thread(few)["holds"] + 1000
    assert many["probe"]["events"] == few["probe"]["events"] + 2000
    for document in (few, many):
        probe = document["probe"]
        assert probe["dropped"] == 0
        assert probe["pair_cost_ns"] > 0
        cost = probe["hooks_ns"] + probe["elsewhere_ns"]
        assert probe["cost_share"] == pytest.approx(cost / document["wall_ns"], abs=1 / document["wall_ns"])
        assert (probe["elsewhere_ns"], probe["contended"]) == (0, False)


def test_a_known_time_held_and_a_known_time_released_are_found_again(summarize, environment):
    """Other work of the machine can only make things longer."""
    code = "import gilscope\nfor _ in range(5):\n    gilscope.hold(20_000_000)\n    gilscope.release(20_000_000)"
    ran, document = summarize(code, env=environment)
    if "No module named 'gilscope'" in ran.stderr:
        pytest.skip("the extension is not installed in this environment")
    main = main_thread(document)
    assert main["hold_ns"] >= 100_000_000
    assert main["hold"]["max_ns"] >= 20_000_000
    assert document["wall_ns"] - main["hold_ns"] >= 100_000_000


def test_the_script_has_its_output_to_itself_and_the_summary_comes_last(host, run):
    code = "import sys\nprint('out')\nprint('err', file=sys.stderr)\nimport atexit\natexit.register(print, 'end')"
    result = run([host, "run", "-c", code])
    assert result.stdout == "out\nend\n"
    assert result.stderr.startswith("err\n\ngilscope: ")
    assert max(map(len, result.stderr.splitlines())) <= 100


def test_quiet_says_nothing_and_writes_the_json_all_the_same(host, run, tmp_path):
    result = run([host, "run", "-q", "--json", tmp_path / "out.json", "-c", "print(1)"])
    assert (result.returncode, result.stdout, result.stderr) == (0, "1\n", "")
    assert json.loads((tmp_path / "out.json").read_text())["schema"] == "gilscope.summary/1"


@pytest.mark.without_a_gil
def test_without_the_probe_the_script_runs_and_there_is_no_summary(host, run):
    result = run([host, "run", "--no-probe", "-c", "print(1); raise SystemExit(3)"])
    assert (result.returncode, result.stdout, result.stderr) == (3, "1\n", "")


def test_json_on_standard_output_comes_after_the_scripts(host, run):
    result = run([host, "run", "--json", "-", "-c", "print('hello')"])
    first, _, document = result.stdout.partition("\n")
    assert first == "hello"
    assert json.loads(document)["command"] == ["gilscope", "run", "--json", "-", "-c", "print('hello')"]
    assert "\ngilscope: " in result.stderr


def test_json_goes_where_it_was_asked_for_though_the_script_goes_elsewhere(host, run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    result = run([host, "run", "--json", "out.json", "-c", "import os; os.chdir('elsewhere')"], cwd=tmp_path)
    assert result.returncode == 0
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["elsewhere", "out.json"]


@pytest.mark.without_a_gil
def test_a_file_that_exists_is_kept_without_force_and_the_script_not_run(host, run, tmp_path):
    file = tmp_path / "out.json"
    file.write_text("precious")
    result = run([host, "run", "--json", file, "-c", "print('ran')"])
    assert (result.returncode, result.stdout, file.read_text()) == (2, "", "precious")
    assert "--force" in result.stderr
    assert run([host, "run", "--json", file, "--force", "-c", "pass"]).returncode == 0
    assert json.loads(file.read_text())["schema"] == "gilscope.summary/1"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.without_a_gil
def test_a_folder_that_cannot_be_written_is_told_before_the_script_runs(host, run):
    result = run([host, "run", "--json", "/proc/nowhere/out.json", "-c", "print('ran')"])
    assert (result.returncode, result.stdout) == (125, "")
    assert "cannot be written" in result.stderr


def test_a_file_that_came_meanwhile_is_kept_and_the_exit_code_is_the_scripts(host, run, tmp_path):
    file = tmp_path / "out.json"
    code = f"open({str(file)!r}, 'x').write('mine'); raise SystemExit(4)"
    result = run([host, "run", "--json", file, "-c", code])
    assert (result.returncode, file.read_text()) == (4, "mine")
    assert "gilscope: " in result.stderr
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_is_told_and_the_exit_code_is_the_scripts(host, run):
    result = run([host, "run", "-q", "--json", "/dev/full", "-c", "raise SystemExit(4)"])
    assert result.returncode == 4
    assert "No space left" in result.stderr


ENDS = {
    "falls off its end": ("pass", 0),
    "sys.exit(3)": ("import sys; sys.exit(3)", 3),
    "sys.exit(text)": ("import sys; sys.exit('bye')", 1),
    "sys.exit(-1)": ("import sys; sys.exit(-1)", 255),
    "an exception": ("1 / 0", 1),
    "a syntax error": ("1 +", 1),
    "an interrupt": ("raise KeyboardInterrupt", 128 + signal.SIGINT),
    "exit in an atexit function": ("import atexit, sys; atexit.register(sys.exit, 5)", 0),
}


@pytest.mark.without_a_gil
@pytest.mark.parametrize(("code", "exit_code"), ENDS.values(), ids=ENDS)
def test_the_exit_code_is_the_scripts_and_in_the_json(summarize, code, exit_code):
    result, document = summarize(code)
    assert result.returncode == (-signal.SIGINT if exit_code == 128 + signal.SIGINT else exit_code)
    assert document["exit_code"] == exit_code
    assert "gilscope: " in result.stderr


def test_an_interrupt_that_the_script_keeps_blocked_ends_nothing(summarize):
    code = "import os, signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [2])\nos.kill(os.getpid(), 2)"
    result, document = summarize(code)
    assert (result.returncode, document["exit_code"]) == (0, 0)


def test_os_exit_with_nonsense_is_the_same_error_and_the_recording_goes_on(summarize):
    code = """
import os
for status in ("x", 2**40):
    try: os._exit(status)
    except (TypeError, OverflowError): pass
"""
    assert releases(summarize(code + READS, 1000)[1]) == releases(summarize(code + READS, 0)[1]) + 1000


@pytest.mark.contract
@pytest.mark.without_a_gil
def test_without_a_gil_the_verdict_says_so_and_what_else_there_is(free_threaded, summarize):
    if not free_threaded:
        pytest.skip("this Python has a GIL")
    result, document = summarize("import threading\nthreading.Thread(target=len, args=('',)).start()\n")
    assert document["verdict"]["kind"] == "no_gil"
    (process,) = document["processes"]
    assert (process["gils"], process["threads"], process["blame"]) == ([], [], None)
    assert "MainThread" in {thread["name"] for thread in process["other_threads"]}
    assert document["cpu_ns"] > 0
    assert 0 < document["wall_ns"] == process["wall_ns"]
    assert (document["probe"]["events"], document["probe"]["cost_share"]) == (0, None)
    assert result.stderr.startswith(
        "\ngilscope: this Python is free-threaded, and its GIL is off: nobody waited for it"
    )


INTERPRETERS = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
"""


@pytest.mark.contract
def test_gils_of_subinterpreters_are_their_own(summarize, host_version):
    if host_version < (3, 12):
        pytest.skip("sub-interpreters share the one GIL before 3.12")
    code = """
import os, sys
read = "import os; zero = os.open('/dev/zero', os.O_RDONLY)\\n"
read += f"for _ in range({sys.argv[1]}): os.read(zero, 1)\\nos.close(zero)"
for _ in range(2):
    one = interpreters.create()
    interpreters.run_string(one, read)
    interpreters.destroy(one)
"""
    (_, few), (result, many) = (summarize(INTERPRETERS + code, times) for times in (0, 1000))
    assert len(gils(many)) == 3
    main, *others = gils(many)
    assert main["interpreters"] == [0]
    for gil, before in zip(others, gils(few)[1:], strict=True):
        assert gil["interpreters"] not in ([], [0])
        assert gil["forced"] + gil["voluntary"] == before["forced"] + before["voluntary"] + 1000
    assert "GIL 2 (interpreter " in result.stderr


@pytest.mark.contract
@pytest.mark.parametrize("summarize", ["counters"], indirect=True)
def test_gils_of_subinterpreters_that_have_ended_are_one_once_they_are_many(summarize, host_version):
    if host_version < (3, 12):
        pytest.skip("sub-interpreters share the one GIL before 3.12")
    code = """
for _ in range(60):
    one = interpreters.create()
    interpreters.run_string(one, "x = 1")
    interpreters.destroy(one)
"""
    result, document = summarize(INTERPRETERS + code)
    assert document["probe"]["dropped"] == 0
    assert len(gils(document)) < 60
    assert sum(gil["folded"] or 1 for gil in gils(document)) == 61
    past = gils(document)[-1]
    assert past["id"] == 2**31
    assert past["interpreters"] == []
    assert past["holds"] >= past["folded"] >= 16
    of_past = [thread for thread in document["processes"][0]["threads"] if thread["gil"] == 2**31]
    assert sum(thread["holds"] for thread in of_past) == past["holds"]
    assert f"past: {past['folded']} GILs of interpreters that have ended: held " in " ".join(result.stderr.split())
