"""The program writes, file by file, what is stored for a cell; to a folder, from flags and from a plan.

The stored folders come from the library. Here the whole way is taken: options, plan, files.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from emitted import FORMATS, ROOT, Cell

ACCOUNT = "111122223333"
TOKYO = "amzn-s3-demo-tokyo@ap-northeast-1"
OSAKA = "amzn-s3-demo-osaka@ap-northeast-3"
KEYS = (
    f"--source-kms-key=arn:aws:kms:ap-northeast-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    f"--destination-kms-key=arn:aws:kms:ap-northeast-3:{ACCOUNT}:key/0987dcba-09fe-87dc-65ba-ab0987654321",
)

# One of each encryption, and every form a flag takes.
BY_FLAGS = {
    Cell("sse-s3", "same", "two-way", "minimal"): ("--encryption=sse-s3", "--both-ways"),
    Cell("sse-kms-bucketkey", "same", "one-way", "compatible"): (
        *("--encryption=sse-kms", "--bucket-key=on", "--permissions=compatible"),
        *KEYS,
    ),
    Cell("dsse-kms", "same", "two-way", "compatible"): (
        *("--encryption=dsse-kms", "--both-ways"),
        *KEYS,
    ),
    Cell("sse-c", "same", "one-way", "minimal"): ("--encryption=sse-c",),
}

every_cell = pytest.mark.parametrize(("cell", "flags"), BY_FLAGS.items(), ids=str)


def binary() -> Path:
    """`KEYFERRY_BIN`, or the debug build of this checkout."""
    given = os.environ.get("KEYFERRY_BIN")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    program = Path(given).resolve() if given else target / "debug" / "keyferry"
    assert program.exists(), f"{program} is missing: run `cargo build -p keyferry` first"
    return program


def keyferry(home: Path, *arguments: str) -> str:
    finished = subprocess.run(
        [binary(), "policy", "emit", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def of_pair(flags: tuple[str, ...]) -> tuple[str, ...]:
    return (f"--source={TOKYO}", f"--destination={OSAKA}", f"--account={ACCOUNT}", *flags)


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def stored(cell: Cell, format: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in cell.emitted.files(format)}


@every_cell
@pytest.mark.parametrize("format", FORMATS)
def test_flags_give_the_cell(tmp_path, cell, flags, format):
    out = tmp_path / "out"
    keyferry(tmp_path, *of_pair(flags), f"--format={format}", f"--out={out}")
    assert written(out) == stored(cell, format)


@every_cell
def test_a_printed_plan_gives_the_same(tmp_path, cell, flags):
    plan = tmp_path / "plan.toml"
    plan.write_text(keyferry(tmp_path, *of_pair(flags), "--print-plan"))
    out = tmp_path / "out"
    keyferry(tmp_path, f"--plan={plan}", "--format=json", f"--out={out}")
    assert written(out) == stored(cell, "json")


def test_another_cell_is_not_the_same(tmp_path):
    [(_, flags), (other, _), *_] = BY_FLAGS.items()
    out = tmp_path / "out"
    keyferry(tmp_path, *of_pair(flags), "--format=json", f"--out={out}")
    assert written(out) != stored(other, "json")
