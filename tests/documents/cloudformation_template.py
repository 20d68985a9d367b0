"""Emitted CloudFormation templates: linted by cfn-lint, and read as the documents they would install.

The templates are resolved as CloudFormation does, for the intrinsic functions they use:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import cfnlint.decode
from cfnlint.api import lint
from cfnlint.core import get_rules

from emitted import Document, people_document, role_document

REGION = re.compile(r"(?:[a-z]+-)+\d")


@cache
def every_rule():
    """Informational rules too: they are about buckets that vanish with their stack."""
    return get_rules([], [], ["I", "W", "E"])


def region_of(file_name: str) -> str:
    """A template is for one region, and its file name says which."""
    found = REGION.search(file_name)
    assert found, f"{file_name} does not name its region"
    return found.group(0)


def findings(text: str, region: str) -> list[str]:
    return [str(each) for each in lint(text, rules=every_rule(), regions=[region])]


def load(path: Path) -> dict:
    template, faults = cfnlint.decode.decode(str(path))
    assert not faults, faults
    return template


NO_VALUE = object()


@dataclass
class Template:
    """A template with its parameters set, in one account and region."""

    source: dict
    region: str
    role_arns: dict[str, str]
    parameters: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = self.source.get("Parameters", {})
        unset = {name: each.get("Default") for name, each in given.items()}
        self.parameters = unset | self.parameters
        assert None not in self.parameters.values(), f"parameters without value in {given}"

    @property
    def partition(self) -> str:
        return next(iter(self.role_arns.values())).split(":")[1]

    def pseudo(self, name: str):
        return {
            "AWS::Region": self.region,
            "AWS::Partition": self.partition,
            "AWS::NoValue": NO_VALUE,
        }[name]

    def reference(self, name: str):
        if name.startswith("AWS::"):
            return self.pseudo(name)
        if name in self.parameters:
            return self.parameters[name]
        resource = self.source["Resources"][name]
        properties = {"AWS::S3::Bucket": "BucketName", "AWS::IAM::Role": "RoleName"}
        return self.resolve(resource["Properties"][properties[resource["Type"]]])

    def attribute(self, name: str, attribute: str) -> str:
        assert attribute == "Arn", f"no check knows {name}.{attribute}"
        named = self.reference(name)
        match self.source["Resources"][name]["Type"]:
            case "AWS::S3::Bucket":
                return f"arn:{self.partition}:s3:::{named}"
            case "AWS::IAM::Role":
                return self.role_arns[named]
            case other:
                raise AssertionError(f"no check knows the ARN of {other}")

    def condition(self, name: str) -> bool:
        return self.decide(self.source["Conditions"][name])

    def decide(self, expression: dict) -> bool:
        [(function, arguments)] = expression.items()
        match function:
            case "Condition":
                return self.condition(arguments)
            case "Fn::Equals":
                left, right = (self.resolve(each) for each in arguments)
                return left == right
            case "Fn::Not":
                return not self.decide(arguments[0])
            case "Fn::And":
                return all(self.decide(each) for each in arguments)
            case "Fn::Or":
                return any(self.decide(each) for each in arguments)
        raise AssertionError(f"no check knows the condition {function}")

    def substitute(self, text: str) -> str:
        def value(found: re.Match) -> str:
            name = found.group(1)
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if "." in name:
                return self.attribute(*name.split(".", 1))
            return str(self.reference(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)

    def resolve(self, value):
        if isinstance(value, list):
            resolved = [self.resolve(each) for each in value]
            return [each for each in resolved if each is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(function, arguments)] = value.items()
            match function:
                case "Ref":
                    return self.reference(arguments)
                case "Fn::GetAtt":
                    if isinstance(arguments, str):
                        arguments = arguments.split(".", 1)
                    return self.attribute(*arguments)
                case "Fn::Sub":
                    return self.substitute(arguments)
                case "Fn::Join":
                    separator, parts = arguments
                    return separator.join(self.resolve(parts))
                case "Fn::If":
                    name, yes, no = arguments
                    return self.resolve(yes if self.condition(name) else no)
            assert not str(function).startswith("Fn::"), f"no check knows {function}"
        resolved = {name: self.resolve(each) for name, each in value.items()}
        return {name: each for name, each in resolved.items() if each is not NO_VALUE}

    def resources(self):
        for resource in self.source["Resources"].values():
            if "Condition" not in resource or self.condition(resource["Condition"]):
                yield resource["Type"], self.resolve(resource.get("Properties", {}))


def renamed(value: dict, names: dict[str, str]) -> dict:
    return {names.get(name, name): each for name, each in value.items()}


def replication_rule(rule: dict) -> dict:
    """In the names of the API, which differ in three places."""
    found = renamed(rule, {"Id": "ID"})
    if "Filter" in found:
        condition = renamed(found["Filter"], {"TagFilter": "Tag"})
        if "And" in condition:
            condition["And"] = renamed(condition["And"], {"TagFilters": "Tags"})
        found["Filter"] = condition or {"Prefix": ""}
    return found


def bucket_documents(properties: dict):
    bucket = properties["BucketName"]
    if "VersioningConfiguration" in properties:
        yield Document("versioning", bucket), properties["VersioningConfiguration"]
    if "BucketEncryption" in properties:
        rules = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        name = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
        yield Document("encryption", bucket), {"Rules": [renamed(each, name) for each in rules]}
    if "ReplicationConfiguration" in properties:
        configuration = properties["ReplicationConfiguration"]
        rules = [replication_rule(each) for each in configuration["Rules"]]
        yield Document("replication", bucket), configuration | {"Rules": rules}


def documents(template: Template, roles: dict[str, str]):
    """(document, content) of one template. `roles` says which bucket a role's name belongs to."""
    for kind, properties in template.resources():
        match kind:
            case "AWS::S3::Bucket":
                yield from bucket_documents(properties)
            case "AWS::S3::BucketPolicy":
                yield Document("bucket-policy", properties["Bucket"]), properties["PolicyDocument"]
            case "AWS::IAM::Role":
                name = properties["RoleName"]
                trust = properties["AssumeRolePolicyDocument"]
                yield role_document(name, roles, permissions=False), trust
                for policy in properties.get("Policies", []):
                    yield role_document(name, roles, permissions=True), policy["PolicyDocument"]
            case "AWS::IAM::RolePolicy":
                document = role_document(properties["RoleName"], roles, permissions=True)
                yield document, properties["PolicyDocument"]
            case "AWS::IAM::ManagedPolicy":
                document = people_document(properties["ManagedPolicyName"])
                yield document, properties["PolicyDocument"]
            case other:
                raise AssertionError(f"no check knows the resource {other}")
