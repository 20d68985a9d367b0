"""`keyferry lab up` as a child process, and what its shell exports say."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FIRST_REGION = "ap-northeast-1"
SECOND_REGION = "ap-northeast-3"

# The lab is usable once all of these were printed.
EXPECTED_EXPORTS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_CA_BUNDLE",
    "AWS_ENDPOINT_URL_S3",
    "KEYFERRY_ENDPOINT_URL",
    "RCLONE_CA_CERT",
)


def binary() -> Path:
    """The program under test: `KEYFERRY_BIN`, or the debug build of this checkout."""
    given = os.environ.get("KEYFERRY_BIN")
    if given:
        return Path(given).resolve()
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "debug" / "keyferry"


def clean_environment(home: Path) -> dict[str, str]:
    """An environment without the AWS settings of whoever runs the suite."""
    path = os.pathsep.join([str(Path(os.sys.executable).parent), os.environ.get("PATH", "")])
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true"}


class LabProcess:
    """A running lab. Its exports are parsed as a shell would read them."""

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        program = binary()
        if not program.exists():
            raise RuntimeError(f"{program} is missing: run `cargo build -p keyferry` first")
        self.home = Path(tempfile.mkdtemp(prefix="keyferry-lab-home-"))
        self.stderr_path = self.home / "lab.stderr"
        self._stderr = self.stderr_path.open("wb")
        self.stdout_lines: list[str] = []
        self.exports: dict[str, str] = {}
        self.process = subprocess.Popen(
            [str(program), "lab", "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=clean_environment(self.home) | (environment or {}),
            text=True,
        )
        self._reader = threading.Thread(target=self._read_exports, daemon=True)
        self._reader.start()
        self._wait_until_ready()

    def _read_exports(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.stdout_lines.append(line)
            words = shlex.split(line, comments=True)
            if words[:1] == ["export"]:
                for assignment in words[1:]:
                    name, _, value = assignment.partition("=")
                    self.exports[name] = value

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 30
        while not all(name in self.exports for name in EXPECTED_EXPORTS):
            if self.process.poll() is not None or time.monotonic() > deadline:
                missing = [name for name in EXPECTED_EXPORTS if name not in self.exports]
                self.stop()
                raise RuntimeError(
                    f"the lab is not up, still without {missing}:\n{self.stderr_text()}"
                )
            time.sleep(0.02)
        # The order of the exports is the program's business: let it finish the list.
        time.sleep(0.2)

    def stderr_text(self) -> str:
        return self.stderr_path.read_text(errors="replace")

    @property
    def endpoints(self) -> dict[str, str]:
        pairs = self.exports["KEYFERRY_ENDPOINT_URL"].split(",")
        return dict(pair.split("=", 1) for pair in pairs)

    @property
    def ca_bundle(self) -> str:
        return self.exports["AWS_CA_BUNDLE"]

    @property
    def credentials(self) -> tuple[str, str]:
        return self.exports["AWS_ACCESS_KEY_ID"], self.exports["AWS_SECRET_ACCESS_KEY"]

    def client_environment(self, home: Path) -> dict[str, str]:
        """What a second terminal has after evaluating the exports."""
        return clean_environment(home) | self.exports

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask the lab to stop and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        self._reader.join()
        self._stderr.close()
        return self.process.returncode
