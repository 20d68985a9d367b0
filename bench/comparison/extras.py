"""What is measured of keyferry alone: starting up, one small upload far away, memory at 100 GiB."""

import os
import statistics
import sys

from . import measure
from .peers import BUCKET, Keyferry

NAMES = ["startup", "one-small-upload", "memory"]
GIB = 1 << 30
ROUND_TRIP = 0.020


def run(tools, place, chosen):
    """The figures that were asked for."""
    keyferry = Keyferry(tools.clients["keyferry"], place)
    found = {}
    for name, of in zip(NAMES, [startup, one_small_upload, memory], strict=True):
        if name in chosen.sections and "keyferry" in chosen.client_names:
            print(name, file=sys.stderr)
            found[name] = of(keyferry, place, chosen)
    return found


def times(command, place, count):
    """Median wall time of so many runs."""
    environment = place.environment()
    return statistics.median(
        measure.run(command, environment, place.scratch).wall for _ in range(count)
    )


def startup(keyferry, place, chosen):
    """`keyferry --version`, and a program that does nothing, for what starting one takes here."""
    count = 11 if chosen.quick else 51
    return {
        "version_ms": round(1000 * times([keyferry.program, "--version"], place, count), 2),
        "nothing_ms": round(1000 * times(["/bin/true"], place, count), 2),
    }


def one_small_upload(keyferry, place, chosen):
    """One file of 16 KiB to a server that is a round trip away, against the round trips it needs."""
    source = place.scratch / "small"
    source.write_bytes(os.urandom(16 << 10))
    count = 3 if chosen.quick else 11
    target = f"s3://{BUCKET}/up/one/small"
    far = place.sink.far_endpoint
    command = keyferry.command("upload", "--no-wait", source, target, endpoint=far)
    before = place.sink.counts()
    wall = times(command, place, count)
    after = place.sink.counts()
    requests = sum(
        after.get(kind, 0) - before.get(kind, 0)
        for kind in ("bucket requests", "objects put", "tag requests", "heads", "gets")
    )
    # One connection of theirs is that of whoever asked for the counts.
    connections = after["connections"] - before["connections"] - 1
    # TCP and TLS 1.3 take one each, and every request one.
    trips = (requests + 2 * connections) / count
    return {
        "wall_ms": round(1000 * wall, 1),
        "round_trips": trips,
        "round_trip_ms": 1000 * ROUND_TRIP,
        "ratio": round(wall / (trips * ROUND_TRIP), 3),
    }


def memory(keyferry, place, chosen):
    """Peak memory of a very large upload from a file without blocks, and of a large download to a
    stream."""
    up, down = (2 * GIB, GIB) if chosen.quick else (100 * GIB, 16 * GIB)
    source = place.scratch / "sparse"
    with open(source, "wb") as file:
        file.truncate(up)
    target = f"s3://{BUCKET}/up/sparse"
    environment = place.environment()
    sent = measure.run(
        keyferry.command("upload", "--no-wait", source, target), environment, place.scratch, 3600
    )
    source.unlink()
    object_ = f"s3://{BUCKET}/1x{down}/00000000.bin"
    fetched = measure.run(
        keyferry.command("download", object_, "-"), environment, place.scratch, 3600
    )
    return {
        "upload_gib": up / GIB,
        "upload_peak_mib": round(sent.peak_mib, 1),
        "upload_wall": round(sent.wall, 1),
        "upload_cpu": round(sent.cpu, 1),
        "download_gib": down / GIB,
        "download_peak_mib": round(fetched.peak_mib, 1),
        "download_wall": round(fetched.wall, 1),
    }
