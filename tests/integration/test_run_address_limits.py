"""Runs under `ulimit -v`: the script has what it has under `python`, and one line says that it is not traced.

Only here a limit stands before the run begins; what a script does to itself is in test_run_summary_children.py.
"""

import pytest

SCRIPT = """
import sys, threading
def work():
    sum(range(10_000))
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("worked", len(threads))
sys.exit(7)
"""


def limited(kib: int, command: list[str]) -> list[str]:
    return ["sh", "-c", f'ulimit -v {kib}; exec "$@"', "sh", *command]


@pytest.mark.parametrize("kib", [150_000, 300_000, 1_000_000])
@pytest.mark.parametrize("output", ["report", "json", "capture"])
def test_a_run_with_few_addresses_is_not_traced_and_says_so(run, host, script, tmp_path, kib, output):
    file = tmp_path / "output"
    options = {"report": [], "json": ["--json", str(file)], "capture": ["-o", str(file)]}[output]
    ran = run(limited(kib, [host, "run", *options, script(SCRIPT), "argument"]))
    assert (ran.returncode, ran.stdout) == (7, "worked 3\n"), ran.stderr
    (line,) = ran.stderr.splitlines()
    assert line.startswith("gilscope: warning: this process is not traced, and there is no report: ")
    assert "ulimit -v" in line
    assert not file.exists()


def test_a_run_with_addresses_enough_is_traced(run, host, script, free_threaded):
    ran = run(limited(4_000_000, [host, "run", script(SCRIPT)]))
    assert (ran.returncode, ran.stdout) == (7, "worked 3\n"), ran.stderr
    assert "not traced" not in ran.stderr
    assert ("there was nothing to trace" if free_threaded else "main interpreter") in ran.stderr


def test_a_child_with_few_addresses_is_not_traced_and_counted(run, host, script, free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")
    code = """
import multiprocessing, resource
def work():
    print("worked")
if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (300 << 20, resource.RLIM_INFINITY))
    child = multiprocessing.get_context("spawn").Process(target=work)
    child.start()
    child.join()
    print(child.exitcode)
"""
    ran = run([host, "run", script(code)])
    assert (ran.returncode, ran.stdout) == (0, "worked\n0\n"), ran.stderr
    assert "could not be recorded" in ran.stderr.replace("\n", " ")
