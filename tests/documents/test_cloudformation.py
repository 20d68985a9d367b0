"""The CloudFormation format: lints clean with every rule on, and says the same as the JSON format."""

from __future__ import annotations

import copy
import json

import pytest

import cloudformation_template
import sites
from cloudformation_template import Template
from comparison import differences
from emitted import EVERY, RICH, Emitted

every_plan = pytest.mark.parametrize("plan", EVERY, ids=str)


def templates(plan: Emitted) -> dict[str, dict]:
    """By region; a plan across accounts may have two for one."""
    return {
        path.name: cloudformation_template.load(path) for path in plan.files("cloudformation")
    }


def switched_on(template: dict) -> dict[str, str]:
    """Stacks that replicate to each other are made first and replicate in a second update."""
    return {
        name: "true"
        for name, parameter in template.get("Parameters", {}).items()
        if sorted(parameter.get("AllowedValues", [])) == ["false", "true"]
    }


def faults(plan: Emitted, found: dict[str, dict]) -> list[str]:
    """A template cannot set the policy of a key that it does not make."""
    expected = {
        document: content
        for document, content in plan.documents().items()
        if document.kind != "key-policy"
    }
    roles = sites.roles(expected)
    role_arns = {name: arn for name, (_, arn) in roles.items()}
    buckets_of_roles = {name: bucket for name, (bucket, _) in roles.items()}
    documents: dict = {}
    for name, source in found.items():
        template = Template(source, cloudformation_template.region_of(name), role_arns)
        template.parameters |= switched_on(source)
        for document, content in cloudformation_template.documents(template, buckets_of_roles):
            assert document not in documents, f"{document} occurs twice"
            documents[document] = content
    return differences(expected, documents)


@every_plan
def test_templates_lint_clean(plan):
    for path in plan.files("cloudformation"):
        region = cloudformation_template.region_of(path.name)
        assert cloudformation_template.findings(path.read_text(), region) == [], path.name


@every_plan
def test_templates_say_what_the_json_format_says(plan):
    assert faults(plan, templates(plan)) == []


# Each check must be able to fail.


@pytest.fixture
def found() -> dict[str, dict]:
    return copy.deepcopy(templates(RICH))


def resource(template: dict, kind: str) -> dict:
    return next(each for each in template["Resources"].values() if each["Type"] == kind)


def rule_of(template: dict) -> dict:
    """The encryption rule, wherever the template puts it."""
    encryption = resource(template, "AWS::S3::Bucket")["Properties"]["BucketEncryption"]
    return encryption["ServerSideEncryptionConfiguration"][0]


def misspelt(template: dict) -> None:
    rule_of(template)["BlockedEncryptionType"] = rule_of(template).pop("BlockedEncryptionTypes")


def wrong_value(template: dict) -> None:
    rule_of(template)["BlockedEncryptionTypes"] = {"EncryptionType": ["SSEC"]}


def vanishing(template: dict) -> None:
    del resource(template, "AWS::S3::Bucket")["DeletionPolicy"]


def unused(template: dict) -> None:
    template.setdefault("Parameters", {})["Unused"] = {"Type": "String", "Default": "x"}


def unknown_action(template: dict) -> None:
    policy = resource(template, "AWS::S3::BucketPolicy")["Properties"]["PolicyDocument"]
    policy["Statement"][0]["Action"] = "s3:ReplicateObjects"


def dangling(template: dict) -> None:
    resource(template, "AWS::S3::BucketPolicy")["Properties"]["Bucket"] = {"Ref": "Nowhere"}


@pytest.mark.parametrize(
    ("mistake", "rule"),
    [
        (misspelt, "E3002"),
        (wrong_value, "E3030"),
        (vanishing, "W3011"),
        (unused, "W2001"),
        (unknown_action, "W3037"),
        (dangling, "E1020"),
    ],
)
def test_lint_finds(found, mistake, rule):
    name, template = next(iter(found.items()))
    mistake(template)
    region = cloudformation_template.region_of(name)
    reported = cloudformation_template.findings(json.dumps(template), region)
    assert any(rule in each for each in reported)


def test_comparison_finds_a_changed_document(found):
    for template in found.values():
        rule_of(template)["BlockedEncryptionTypes"] = {"EncryptionType": ["NONE"]}
    assert any("kind='encryption'" in each for each in faults(RICH, found))


def test_comparison_finds_a_missing_document(found):
    for template in found.values():
        template["Resources"] = {
            name: each
            for name, each in template["Resources"].items()
            if each["Type"] != "AWS::S3::BucketPolicy"
        }
    assert any("is missing" in each for each in faults(RICH, found))
