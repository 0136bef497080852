"""`gilscope doctor` on the machine and the Python that run the tests."""

import json
from pathlib import Path

import jsonschema

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schemas" / "doctor.schema.json").read_text())


def test_its_json_is_what_the_schema_promises(host, run, host_version):
    result = run([host, "doctor", "--json", "-"])
    document = json.loads(result.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["python"]["version"].startswith(".".join(map(str, host_version)))
    has_problem = any(finding["status"] == "problem" for finding in document["findings"])
    assert result.returncode == int(has_problem), result.stderr


def test_its_text_has_every_finding_and_fits_100_columns(host, run):
    findings = json.loads(run([host, "doctor", "--json", "-"]).stdout)["findings"]
    lines = run([host, "doctor"]).stdout.splitlines()
    for finding in findings:
        assert any(finding["name"].replace("_", " ") in line for line in lines)
    assert max(map(len, lines)) <= 100
