"""`gilscope doctor` on the machine and the Python that run the tests: what no hand-written facts are."""

import json

from tests.schemas import validator_of


def test_its_json_is_what_the_schema_promises(host, run, host_version):
    result = run([host, "doctor", "--json", "-"])
    document = json.loads(result.stdout)
    validator_of("doctor").validate(document)
    assert document["python"]["version"].startswith(".".join(map(str, host_version)))
    has_problem = any(finding["status"] == "problem" for finding in document["findings"])
    assert result.returncode == int(has_problem), result.stderr


def test_its_text_has_every_finding_and_fits_100_columns(host, run):
    findings = json.loads(run([host, "doctor", "--json", "-"]).stdout)["findings"]
    lines = run([host, "doctor"]).stdout.splitlines()
    for finding in findings:
        assert any(finding["name"].replace("_", " ") in line for line in lines)
    assert max(map(len, lines)) <= 100
