"""What is said of recorded programs is true: tests/corpus, whose README.md says how it is known.

The rules alone are tested in tests/unit/analysis. Only here real programs meet them, as they were recorded once: whom a
scheduler keeps waiting today changes nothing.
"""

import pytest
from tests.corpus.judging import judge, names_of, read_truths, table, tell

TRUTHS = read_truths()
LEAST_RIGHT = 0.95  # of the first findings
# The first row of blame, which says the line and whom it cost: who held it, and who waited most; None: one of several.
BLAMED = {
    "busy_handler": ("MainThread", "beater"),
    "kept_by_c": ("MainThread", "reader"),
    "long_interval": ("MainThread", "server"),
    "long_regex": ("MainThread", "server"),
    "loop_beside_asyncio": ("computer", "MainThread"),
    "loop_beside_io": ("computer", "MainThread"),
    "mixed_calls": ("MainThread", "server"),
    "regex_beside_asyncio": ("matcher", "MainThread"),
    "large_json": ("handler", None),
}


@pytest.fixture(scope="module")
def told(host, tmp_path_factory):
    """Of each capture what it tells, as JSON and as text in one line."""
    # The fixture `run` is of a test, and so much is told once.
    from tests.integration.conftest import clean_environment, run_command

    folder = tmp_path_factory.mktemp("corpus")
    texts = {}

    def report(arguments, cwd):
        ran = run_command([host, *arguments], clean_environment(), cwd=cwd)
        assert ran.returncode == 0, ran.stderr
        texts[arguments[-1]] = " ".join(ran.stdout.split())

    documents = {name: tell(report, name, folder) for name in TRUTHS}
    return {name: (documents[name], texts[name]) for name in TRUTHS}


@pytest.mark.any_host
def test_the_first_finding_is_right_and_no_sentence_is_false(told):
    judged = [judge(told[name][0], truth) for name, truth in TRUTHS.items()]
    print(table(judged))
    assert [fault for row in judged for fault in row.false] == []
    assert sum(not row.wrong for row in judged) >= LEAST_RIGHT * len(judged)


@pytest.mark.any_host
def test_findings_say_in_text_what_they_say_in_json_and_explain_each_part_of_the_waiting_once(told):
    for document, said in told.values():
        findings = document["findings"]
        for finding in findings:
            assert f"-> {finding['text']}" in said
            if finding["pid"] is None:  # of the whole run
                assert finding["gil"] is None
                assert finding["at_most"] == pytest.approx(max(1.0, 1 / finding["hold_share"]))
            if finding["culprits"] and finding["kind"] != "busy_polling":
                assert finding["culprits"][0] == finding["culprit"]
        waited = sum(gil["wait_ns"] for process in document["processes"] for gil in process["gils"])
        causes = [finding for finding in findings if finding["share"] is not None]
        assert sum(finding["lost_ns"] for finding in causes) <= waited * (1 + 1e-6)
        explained = document["verdict"]["explained"]
        assert (explained or 0) == pytest.approx(sum(finding["share"] for finding in causes), abs=1e-6)
        if document["verdict"]["kind"] == "bottleneck":
            assert ("of the waiting is explained below" in said) == (bool(explained) and bool(causes))


@pytest.mark.any_host
def test_what_is_lost_without_a_gil_is_said_though_the_machine_was_busy(told):
    """There may be a lack of CPU first, of which anything may be left out then."""
    for name, truth in TRUTHS.items():
        if not truth.without_gil:
            continue
        document, _ = told[name]
        assert document["verdict"]["kind"] == "no_gil"
        kinds = {finding["kind"] for finding in document["findings"]} - {"lack_of_cpu"}
        assert kinds == set(truth.first) - {""}, name


@pytest.mark.any_host
def test_a_shorter_switch_interval_is_weighed(told):
    document, _ = told["loop_beside_io"]
    convoy, interval = document["findings"]
    assert 0 < interval["gain_ns"] < interval["lost_ns"] == convoy["lost_ns"]
    assert interval["gain_ns"] < document["wall_ns"]
    assert document["processes"][0]["gils"][0]["switch_interval_ns"] == pytest.approx(5e6, rel=0.1)
    assert interval["cost_ns"] >= 0


@pytest.mark.any_host
def test_the_culprit_is_blamed_first(told):
    for program, (culprit, victim) in BLAMED.items():
        document, said = told[program]
        (process,) = document["processes"]
        first = next(row for row in process["blame"] if row["thread"] is not None)
        lines = TRUTHS[program].lines()
        own = next(place for place in first["stack"] if place["file"].endswith(f"/{program}.py"))
        assert f"{program}.py:{own['line']}" in lines
        threads = {"pid": process["pid"], "holder": [first["thread"]]}
        assert names_of(document, threads, "holder") == [culprit]
        most = {**threads, "waiter": [max(first["waiters"], key=lambda row: row["wait_ns"])["thread"]]}
        assert victim in (None, *names_of(document, most, "waiter"))
        sentence = said.split("Who made others wait, ")[1].split(";")[0]
        assert any(f"{line} " in sentence or f"{line}:" in sentence for line in lines), sentence
        assert f"by {culprit}" in sentence
        assert program != "busy_handler" or ", in the task of handle" in sentence


def test_what_a_run_finds_is_what_its_report_says(summarize, free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")
    ran, document = summarize("import time\ntime.sleep(0.1)")  # of what takes less time nothing is said
    finding = document["findings"][-1]
    assert f"-> {finding['text']}" in " ".join(ran.stderr.split())
