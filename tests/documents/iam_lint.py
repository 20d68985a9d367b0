"""parliament over IAM documents, and the findings that are no mistakes.

https://github.com/duo-labs/parliament
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from parliament import analyze_policy_string

from emitted import TRUSTS


@dataclass(frozen=True)
class Finding:
    issue: str
    detail: str

    def __str__(self) -> str:
        return f"{self.issue}: {self.detail}"


# Actions of 2026. parliament 1.6.4 has the list of 2025; botocore and cfn-lint know them.
NEWER_THAN_PARLIAMENT = {
    "s3:GetObjectVersionAnnotationForReplication",
    "s3:ReplicateObjectAnnotation",
}


def expected(kind: str, finding: Finding) -> bool:
    if finding.issue == "UNKNOWN_ACTION":
        return finding.detail.removeprefix("Unknown action ") in NEWER_THAN_PARLIAMENT
    # A trust policy has no resource: the role is what it is attached to.
    # IAM/latest/UserGuide/reference_policies_elements_resource.html
    if kind in TRUSTS:
        return finding == Finding("MALFORMED", "Statement contains neither Resource nor NotResource")
    # In a key policy `"Resource": "*"` is the key it is attached to, and nothing else.
    # kms/latest/developerguide/key-policy-overview.html
    if kind == "key-policy":
        return finding.issue == "RESOURCE_STAR"
    return False


def condition_of(statement: dict) -> dict:
    """A list of one value is that value. parliament 1.6.4 breaks off at lists under `Null`."""
    return {
        operator: {
            key: value[0] if isinstance(value, list) and len(value) == 1 else value
            for key, value in keys.items()
        }
        for operator, keys in statement["Condition"].items()
    }


def findings(document: dict) -> list[Finding]:
    statements = [
        each | {"Condition": condition_of(each)} if "Condition" in each else each
        for each in document["Statement"]
    ]
    analysed = analyze_policy_string(json.dumps(document | {"Statement": statements}))
    return [Finding(each.issue, str(each.detail)) for each in analysed.findings]


def unexpected(kind: str, document: dict) -> list[str]:
    return [str(each) for each in findings(document) if not expected(kind, each)]
