"""The servers, each started once for all tests of a worker, and keyferry to use them with."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from keyferry_cli import Keyferry
from server_pair import FIXTURES, Pair, Side

# `weed` comes into the virtual environment that runs the tests.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
NEEDED = {
    "rgw-pair.sh": ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph", "uuidgen"),
    "weed-pair.sh": ("weed", "curl", "openssl"),
}


def exports(text: str) -> dict[str, str]:
    """What `export NAME=value` lines say."""
    words = [shlex.split(line)[1] for line in text.splitlines() if line.startswith("export ")]
    return dict(word.split("=", 1) for word in words)


def started(script: str, prefix: str, name: str):
    """Runs a pair's script and takes the pair down at the end. A short path: Unix sockets are in it."""
    tools = [tool for tool in NEEDED[script] if shutil.which(tool, path=PATH) is None]
    assert not tools, f"{', '.join(tools)} missing: see tests/servers/README.md"
    folder = Path(tempfile.mkdtemp(prefix="pair-", dir="/tmp"))
    path = FIXTURES / script

    def run(what: str) -> str:
        finished = subprocess.run(
            [str(path), what, str(folder)],
            capture_output=True,
            text=True,
            timeout=120,
            env=os.environ | {"PATH": PATH},
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    try:
        run("up")
        said = exports(run("env"))
        yield Pair(
            name=name,
            west=Side(said[f"{prefix}_WEST_HTTPS"], said[f"{prefix}_WEST_HTTP"]),
            east=Side(said[f"{prefix}_EAST_HTTPS"], said[f"{prefix}_EAST_HTTP"]),
            ca=said[f"{prefix}_CA"],
            access_key=said["AWS_ACCESS_KEY_ID"],
            secret_key=said["AWS_SECRET_ACCESS_KEY"],
            script=path,
            folder=folder,
            path=PATH,
        )
    finally:
        run("down")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def ceph():
    """Ceph RGW 16.2.15, two zones of one zonegroup."""
    yield from started("rgw-pair.sh", "RGW_PAIR", "Ceph RGW 16.2.15")


@pytest.fixture(scope="session")
def seaweedfs():
    """Two SeaweedFS clusters and `weed filer.sync` between them."""
    yield from started("weed-pair.sh", "WEED_PAIR", "SeaweedFS 4.48")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> Path:
    """A CA and a certificate of it for localhost, for servers that bring none."""
    folder = tmp_path_factory.mktemp("certificates")
    extensions = folder / "extensions"
    extensions.write_text(
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n"
        "keyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n"
    )
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for command in (
        ["req", "-x509", *curve, "-days", "3650", "-subj", "/CN=test CA"]
        + ["-addext", "keyUsage=critical,keyCertSign", "-keyout", "ca.key", "-out", "ca.pem"],
        ["req", *curve, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"],
        ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key"]
        + ["-CAcreateserial", "-days", "3650", "-extfile", str(extensions), "-out", "server.pem"],
    ):
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def moto(certificates):
    """moto, which answers as S3 does and stores plaintext. One server: it replicates nothing."""
    port = free_port()
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
        + ["-c", "server.pem", "-k", "server.key"],
        cwd=certificates,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    side = Side(f"https://localhost:{port}", "")
    pair = Pair("moto 5.2.5", side, side, str(certificates / "ca.pem"), "AKTEST", "not-a-secret")
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, "moto_server ended"
            try:
                pair.client().list_buckets()
                break
            except Exception:
                assert time.monotonic() < deadline, "moto_server does not answer"
                time.sleep(0.1)
        yield pair
    finally:
        process.terminate()
        process.wait(timeout=20)


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def keyferry(tmp_path):
    """Makes a keyferry with a home, a key store and a ring of its own, that uses a server."""

    def make(server) -> Keyferry:
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        return Keyferry(home, server).with_ring()

    return make
