"""Every operation on every server, and `docs/compatibility.md`, which says what came of it.

The page is what these tests saw. `KEYFERRY_WRITE_COMPATIBILITY=1` writes it anew; without, a page that
says anything else fails the test.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, field

import pytest

import compatibility
from keyferry_cli import Keyferry
from lab_process import FIRST_REGION, ROOT, SECOND_REGION, LabProcess
from operations import OPERATIONS, Cell, Trial, tried
from server_pair import Pair, Side
from traits import TRAITS, Probed

PAGE = ROOT / "docs" / "compatibility.md"
SERVERS = ["lab", "ceph", "seaweedfs", "moto"]


@dataclass
class Seen:
    """What one server showed."""

    name: str
    traits: dict[str, str] = field(default_factory=dict)
    operations: dict[str, Cell] = field(default_factory=dict)


@pytest.fixture(scope="module")
def seen() -> dict[str, Seen]:
    return {}


@pytest.fixture(scope="module")
def lab():
    """keyferry's own, which does as AWS documents it: two buckets that replicate both ways."""
    process = LabProcess()
    yield LabPair(process)
    assert process.stop() == 0, process.stderr_text()


class LabPair:
    name = "keyferry lab"

    def __init__(self, process: LabProcess) -> None:
        self.process = process
        access_key, secret_key = process.credentials
        west, east = (
            Side(process.endpoints[region], "") for region in (FIRST_REGION, SECOND_REGION)
        )
        self.pair = Pair(
            self.name, west, east, process.ca_bundle, access_key, secret_key, FIRST_REGION
        )

    def client(self, **config):
        return self.pair.client(**config)

    def client_environment(self, home):
        return self.process.client_environment(home)

    def new_bucket(self) -> str:
        """The one that the lab made in the first region, which replicates to the other."""
        found = self.client().list_buckets(BucketRegion=FIRST_REGION)["Buckets"]
        return found[0]["Name"]

    def replica(self, bucket: str) -> list[str]:
        return []


@pytest.mark.parametrize("server", SERVERS)
def test_operations(request, tmp_path, seen, server):
    pair = request.getfixturevalue(server)
    home = tmp_path / "home"
    home.mkdir()
    bucket = pair.new_bucket()
    probed = Probed(pair.client(), bucket)
    replica = None if server == "moto" else pair.replica(bucket)
    trial = Trial(Keyferry(home, pair).with_ring(), bucket, replica)
    seen[server] = Seen(
        pair.name,
        {title: trait(probed) for title, trait in TRAITS},
        {title: tried(trial, operation) for title, operation in OPERATIONS},
    )


def test_the_page_is_what_was_seen(seen):
    if missing := [server for server in SERVERS if server not in seen]:
        pytest.skip(f"not seen: {', '.join(missing)}")
    page = compatibility.page([seen[server] for server in SERVERS])
    if os.environ.get("KEYFERRY_WRITE_COMPATIBILITY"):
        PAGE.write_text(page)
    written = PAGE.read_text()
    changed = "\n".join(
        difflib.unified_diff(written.splitlines(), page.splitlines(), "written", "seen", lineterm="")
    )
    assert not changed, f"{PAGE} is out of date (KEYFERRY_WRITE_COMPATIBILITY=1 writes it):\n{changed}"
