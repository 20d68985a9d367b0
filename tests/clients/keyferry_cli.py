"""The `keyferry` program as a user runs it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab_process import LabProcess, binary

PASSPHRASE = "correct horse battery staple"

# DESIGN: the exit codes are part of the interface.
DONE = 0
FAILURE = 1
USAGE = 2
NOT_CONFIRMED = 3
REPLICATION_FAILED = 4
WRONG_KEY = 5
FINDINGS = 6
STORE_LOCKED = 7
INTERRUPTED = 130


@dataclass
class Outcome:
    code: int
    stdout: str
    stderr: str

    def expect(self, code: int) -> "Outcome":
        assert self.code == code, f"exit {self.code}, expected {code}\n{self.stderr}\n{self.stdout}"
        return self

    def explains(self, *words: str) -> "Outcome":
        """A refusal says what happened and, on a `hint:` line, what to do."""
        lines = self.stderr.lower().splitlines()
        assert any(line.lstrip().startswith("hint:") for line in lines), (
            f"no hint line:\n{self.stderr}"
        )
        text = self.stderr.lower()
        for word in words:
            assert word.lower() in text, f"`{word}` is not explained:\n{self.stderr}"
        return self


class Keyferry:
    """Runs the program with a home and a key store of its own."""

    def __init__(self, home: Path, lab: LabProcess) -> None:
        self.home = home
        self.lab = lab
        self.store = home / "store"
        self.environment = lab.client_environment(home) | {
            "KEYFERRY_PASSPHRASE": PASSPHRASE,
            # What stands between a new ring and its first upload has a suite of its own.
            "KEYFERRY_ACCEPT_LOSS_RISK": "1",
        }

    def command(self, *arguments: str) -> list[str]:
        return [str(binary()), "--store", str(self.store), *arguments]

    def run(
        self,
        *arguments: str,
        environment: dict[str, str | None] | None = None,
        stdin: bytes = b"",
        timeout: float = 180,
    ) -> Outcome:
        variables = dict(self.environment)
        for name, value in (environment or {}).items():
            if value is None:
                variables.pop(name, None)
            else:
                variables[name] = value
        finished = subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            env=variables,
            cwd=self.home,
            timeout=timeout,
        )
        outcome = Outcome(
            finished.returncode,
            finished.stdout.decode(errors="replace"),
            finished.stderr.decode(errors="replace"),
        )
        refuse_internal_text(outcome)
        return outcome

    def with_ring(self, ring: str = "test", *, passphrase: bool = False) -> "Keyferry":
        """Make the store and a ring. Deriving a key from a passphrase takes a second each time,
        so a store has one only where a test is about it."""
        self.run("key", "init", *([] if passphrase else ["--no-passphrase"])).expect(DONE)
        self.run("key", "new", ring).expect(DONE)
        return self


def refuse_internal_text(outcome: Outcome) -> None:
    """No panic and no Rust type name reaches the user."""
    for phrase in (
        "panicked at",
        "RUST_BACKTRACE",
        "unwrap()",
        "ServiceError(",
        "DispatchFailure",
        "SdkError",
        "Os {",
        "Some(",
        "None)",
    ):
        assert phrase not in outcome.stderr, f"internal text on stderr:\n{outcome.stderr}"
        assert phrase not in outcome.stdout, f"internal text on stdout:\n{outcome.stdout}"


def upload(keyferry: Keyferry, path, address: str, *more: str, **options) -> Outcome:
    return keyferry.run(
        "upload", str(path), address, "--key", "test", "--no-wait", *more, **options
    )


def nothing_in(s3, bucket: str) -> None:
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def left_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())
