"""tests/bench/bench_perturbation.py: what makes a round, what is compared with what, the tables; no run is timed."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def bench(import_benchmark):
    return import_benchmark("bench_perturbation")


@pytest.fixture
def suite(bench):
    return importlib.import_module("perturbation")


@pytest.fixture
def samples(suite):
    """Of one program, three rounds."""

    def of(*rates, said=None):
        return [suite.Sample(rate, said) for rate in rates]

    return {
        "bare": of(100.0, 200.0, 400.0),
        "stock": of(100.0, 100.0, 600.0),
        "hooks": of(80.0, 200.0, 200.0),
        "counters": of(80.0, 100.0, 100.0, said=0.01),
        "peer": [suite.Sample(50.0), None, suite.Sample(300.0)],
    }


BASES = {"hooks": "bare", "counters": "bare", "peer": "stock"}


def test_what_is_wanted_is_chosen_in_the_order_of_the_table_and_once(suite):
    assert suite.choose(["a", "b", "c"], ["c", "a", "c"], []) == ["a", "c"]
    assert suite.choose(["a", "b", "c"], None, ["b"]) == ["a", "c"]


def test_a_round_runs_each_program_in_all_ways_and_another_round_in_another_order(suite):
    ways = list("abcdefgh")
    rounds = [list(suite.order_round(["p", "q"], ways, number)) for number in range(5)]
    for runs in rounds:
        assert [program for program, _ in runs] == ["p"] * 8 + ["q"] * 8
        assert sorted(way for _, way in runs[:8]) == sorted(way for _, way in runs[8:]) == ways
    assert len({tuple(runs) for runs in rounds}) == 5
    assert rounds[3] == list(suite.order_round(["p", "q"], ways, 3))


def test_a_share_is_of_the_bare_rate_of_its_own_round(suite, samples):
    assert suite.kept_shares(samples, "counters", "bare") == [0.8, 0.5, 0.25]
    assert suite.kept_shares(samples, "counters", "hooks") == [1.0, 0.5, 0.5]


def test_a_round_in_which_a_peer_failed_is_left_out(suite, samples):
    assert suite.kept_shares(samples, "peer", "stock") == [0.5, 0.5]


def test_the_table_has_a_row_for_each_program_and_a_column_for_each_way(suite, samples):
    never = {**samples, "peer": [None] * 3}
    assert suite.format_kept({"pool": samples, "read": never}, BASES).splitlines()[1:] == [
        "      bare/s  stock/s           hooks        counters            peer     goal",
        "pool     200      100  0.80 0.50-1.00  0.50 0.25-0.80  0.50 0.50-0.50  >= 0.90",
        "read     200      100  0.80 0.50-1.00  0.50 0.25-0.80               -  >= 0.92",
    ]


def test_beside_the_measured_cost_stands_what_the_report_says(suite, samples):
    assert suite.format_said_costs({"pool": samples}, ["counters"], BASES).splitlines()[1:] == [
        "        counters",
        "pool  50.0 / 1.0",
    ]


def test_the_json_has_each_run(suite, samples):
    described = json.loads(json.dumps(suite.describe("pool", samples, BASES, "hooks")))
    assert list(described) == list(samples)
    assert described["peer"]["rates"] == [50.0, None, 300.0]
    assert described["peer"]["said_cost"] is None
    assert described["stock"]["kept"] is None
    assert described["counters"]["kept"]["median"] == 0.5
    assert described["counters"]["kept_of_hooks"]["low"] == 0.5
    assert described["counters"]["said_cost"]["median"] == 0.01


def test_the_json_without_hooks_compares_nothing_with_them(suite, samples):
    del samples["hooks"]
    assert suite.describe("pool", samples, {"counters": "bare"}, "hooks")["counters"]["kept_of_hooks"] is None


@pytest.mark.parametrize(("way", "base"), [("counters", "bare"), ("hooks", "bare"), ("py-spy-1k", "stock")])
def test_a_way_brings_what_it_is_compared_with(bench, way, base):
    assert bench.parse(["--ways", way]).ways == [way, base]


def test_without_a_choice_all_ways_are_run(bench):
    assert bench.parse([]).ways is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--programs", "sha"], "invalid choice: 'sha'"),
        (["--ways", "strace"], "invalid choice: 'strace'"),
        (["--rounds", "0"], "--rounds: at least 1"),
        (["--seconds", "0"], "--seconds: more than 0"),
    ],
)
def test_what_it_does_not_know_is_one_error(bench, capsys, arguments, said):
    with pytest.raises(SystemExit) as ended:
        bench.parse(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_rate_is_found_among_what_a_peer_prints(bench):
    assert bench.find_rate("py-spy> Sampling\nrate: 12.5\npy-spy> Wrote flamegraph") == 12.5


def test_what_is_not_there_is_named_with_the_reason(bench, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/bin/python")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    missing = bench.ways.find_missing()
    assert list(missing) == ["numpy", "hooks", "py-spy-100", "py-spy-1k", "viztracer", "gilknocker"]
    assert set(missing) <= {*bench.ways.PROGRAMS, *bench.ways.make_ways(Path())}
    assert missing["hooks"].startswith("no /nowhere/tests/bench/hooks_host")


def test_a_peer_that_fails_costs_only_its_own_column(bench, monkeypatch, capsys):
    def fail(command, environment):
        raise subprocess.CalledProcessError(7, command, stderr="no ptrace here")

    monkeypatch.setattr(bench, "run", fail)
    assert bench.measure_once("read", "py-spy-1k", 0.5, Path()) is None
    assert "read, py-spy-1k: exit code 7: no ptrace here" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="read, counters: exit code 7"):
        bench.measure_once("read", "counters", 0.5, Path())


def test_each_program_prints_its_rate(bench):
    for program, (file, *words) in bench.ways.PROGRAMS.items():
        if program == "numpy" and importlib.util.find_spec("numpy") is None:
            continue
        command = [sys.executable, str(Path(bench.__file__).parent / "perturbed" / file), "0.001", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert bench.find_rate(done.stdout) >= 0, program
