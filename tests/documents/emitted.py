"""What `policy emit` wrote for one cell of the permission matrix: a folder per format."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import strict_json

ROOT = Path(__file__).resolve().parents[2]

ENCRYPTIONS = ("sse-s3", "sse-kms", "sse-kms-bucketkey", "dsse-kms", "sse-c")
LAYOUTS = ("same", "cross")
DIRECTIONS = ("one-way", "two-way")
PROFILES = ("minimal", "compatible")

FORMATS = ("json", "terraform", "cloudformation", "cli")

# What a file of the JSON format is named by, before its bucket's name.
KINDS = (
    "trust",
    "role",
    "replication",
    "key-policy",
    "bucket-policy",
    "encryption",
    "versioning",
    "batch-trust",
    "batch-role",
    "uploader",
    "verifier",
)
TRUSTS = ("trust", "batch-trust")
PERMISSIONS = ("role", "batch-role", "uploader", "verifier")
POLICIES = (*TRUSTS, *PERMISSIONS, "key-policy", "bucket-policy")

# What replication itself consists of, in every format. The rest is for people and batch jobs.
OF_REPLICATION = KINDS[:7]


def folder_of_tests() -> Path:
    """`KEYFERRY_DOCUMENTS`, or what the crate's own tests compare with."""
    given = os.environ.get("KEYFERRY_DOCUMENTS")
    return Path(given) if given else ROOT / "crates/keyferry-policy/tests"


def golden_folder() -> Path:
    """`CELL/PROFILE/FORMAT/FILE`"""
    return folder_of_tests() / "golden"


def special_folder() -> Path:
    """`NAME/FORMAT/FILE`: plans with what the cells do not have."""
    return folder_of_tests() / "golden-special"


@dataclass(frozen=True, order=True)
class Document:
    """One file of the JSON format."""

    kind: str
    bucket: str


@dataclass(frozen=True)
class Emitted:
    """What was emitted for one plan, in every format."""

    name: str
    folder: Path

    def __str__(self) -> str:
        return self.name

    def files(self, format: str) -> list[Path]:
        found = sorted((self.folder / format).iterdir())
        assert found, f"{self.folder / format} is empty"
        return found

    def documents(self) -> dict[Document, dict]:
        """The JSON format, parsed. Every other format is compared with this."""
        found = {}
        for path in self.files("json"):
            assert path.suffix == ".json", path
            found[named(path.stem)] = strict_json.parse(path.read_text())
        return found


@dataclass(frozen=True)
class Cell:
    """A cell of the permission matrix in one of the two profiles."""

    encryption: str
    layout: str
    direction: str
    profile: str

    def __str__(self) -> str:
        return f"{self.name}-{self.profile}"

    @property
    def name(self) -> str:
        return f"{self.encryption}.{self.layout}.{self.direction}"

    @property
    def emitted(self) -> Emitted:
        return Emitted(str(self), golden_folder() / self.name / self.profile)


CELLS = [
    Cell(encryption, layout, direction, profile)
    for encryption in ENCRYPTIONS
    for layout in LAYOUTS
    for direction in DIRECTIONS
    for profile in PROFILES
]
SPECIAL = [Emitted(each.name, each) for each in sorted(special_folder().iterdir())]


def distinct(plans: list[Emitted]) -> list[Emitted]:
    """Without those that say to the letter what another says, as both profiles do without KMS."""
    found: dict[tuple, Emitted] = {}
    for plan in plans:
        files = sorted(path for path in plan.folder.rglob("*") if path.is_file())
        content = tuple((path.relative_to(plan.folder), path.read_bytes()) for path in files)
        found.setdefault(content, plan)
    return list(found.values())


EVERY = distinct([*(cell.emitted for cell in CELLS), *SPECIAL])

# A cell with nearly every kind of document in it.
RICH = Cell("sse-kms-bucketkey", "cross", "two-way", "compatible").emitted


def role_document(role_name: str, roles: dict[str, str], permissions: bool) -> Document:
    """`roles` says which bucket a replication role's name belongs to; a batch role's name says it."""
    if role_name in roles:
        return Document("role" if permissions else "trust", roles[role_name])
    bucket = role_name.removeprefix("s3-batch-replication-")
    assert bucket != role_name, f"no check knows the role {role_name}"
    return Document("batch-role" if permissions else "batch-trust", bucket)


# What the names of managed policies begin with.
NAME_OF_OURS = "s3-replication-"


def people_document(policy_name: str) -> Document:
    """A managed policy's name ends as the document's file is called."""
    return named(policy_name.removeprefix(NAME_OF_OURS))


def named(stem: str) -> Document:
    """`key-policy-my-bucket` is the key policy of `my-bucket`. A kind unknown here is unchecked."""
    for kind in KINDS:
        if stem.startswith(f"{kind}-"):
            return Document(kind, stem.removeprefix(f"{kind}-"))
    raise AssertionError(f"no check knows the document `{stem}`")
