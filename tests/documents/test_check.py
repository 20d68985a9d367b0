"""`policy check` over what was emitted: as JSON files, and as the plan that Terraform makes of it.

Its SARIF is held against the schema of OASIS (`sarif_schema.json`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

import sites
import terraform_plan
from test_emit import BY_FLAGS, binary, every_cell, of_pair

FINDINGS = 6


def check(folder: Path, *arguments: str, code: int = 0) -> str:
    finished = subprocess.run(
        [binary(), "policy", "check", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert finished.returncode == code, f"{finished.stdout}{finished.stderr}"
    return finished.stdout


def copied(cell, folder: Path, format: str) -> Path:
    for path in cell.emitted.files(format):
        shutil.copy(path, folder)
    return folder


def found(output: str) -> set[tuple[str, str]]:
    return {(finding["level"], finding["rule"]) for finding in map(json.loads, output.splitlines())}


@every_cell
def test_files_have_no_findings(tmp_path, cell, flags):
    copied(cell, tmp_path, "json")
    assert check(tmp_path, *of_pair(flags), "--documents=.", "--output=json").strip() == "[]"


@every_cell
def test_a_terraform_plan_has_no_findings(tmp_path, cell, flags):
    output = check(tmp_path, *of_pair(flags), shown(cell, tmp_path), "--output=ndjson")
    assert found(output) == set()


def shown(cell, folder: Path) -> str:
    copied(cell, folder, "terraform")
    roles = sites.roles(cell.emitted.documents())
    arns = {name: arn for name, (_, arn) in roles.items()}
    (folder / "plan.json").write_text(terraform_plan.shown(folder, arns))
    return "--terraform-plan=plan.json"


def test_what_a_terraform_plan_lacks_is_found(tmp_path):
    [cell, flags] = next(item for item in BY_FLAGS.items() if "kms" in item[0].encryption)
    given = shown(cell, tmp_path)
    plan = json.loads((tmp_path / "plan.json").read_text())
    for resource in plan["planned_values"]["root_module"]["resources"]:
        if resource["type"] == "aws_s3_bucket_versioning":
            resource["values"]["versioning_configuration"][0]["status"] = "Suspended"
        if resource["type"] == "aws_s3_bucket_replication_configuration":
            resource["values"]["rule"][0]["source_selection_criteria"] = []
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    output = check(tmp_path, *of_pair(flags), given, "--output=ndjson", code=FINDINGS)
    assert found(output) == {("error", "versioning-off"), ("error", "kms-opt-in-missing")}


@pytest.fixture
def broken(tmp_path) -> tuple[Path, tuple[str, ...]]:
    """A folder whose role may do one thing too much and one too little."""
    [cell, flags] = next(iter(BY_FLAGS.items()))
    copied(cell, tmp_path, "json")
    role = tmp_path / "role-amzn-s3-demo-tokyo.json"
    text = role.read_text()
    assert "s3:ReplicateDelete" in text
    role.write_text(text.replace("s3:ReplicateDelete", "s3:DeleteObject"))
    return tmp_path, (*of_pair(flags), "--documents=.")


def test_sarif_is_what_its_schema_says(broken):
    folder, arguments = broken
    log = json.loads(check(folder, *arguments, "--format=sarif", code=FINDINGS))
    schema = json.loads(Path(__file__).with_name("sarif_schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(log)
    [run] = log["runs"]
    results = {result["ruleId"]: result for result in run["results"]}
    assert set(results) == {"needed-call-denied", "surplus-allowed"}
    for result in results.values():
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        [location] = result["locations"]
        physical = location["physicalLocation"]
        assert physical["artifactLocation"]["uri"].endswith("role-amzn-s3-demo-tokyo.json")
        lines = (folder / "role-amzn-s3-demo-tokyo.json").read_text().splitlines()
        statement = lines[physical["region"]["startLine"] - 1 :]
        assert statement[0].strip() == "{"
        assert "WriteReplicas" in statement[1]
