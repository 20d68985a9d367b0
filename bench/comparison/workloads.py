"""What the clients have to do: large, medium and small objects, up and down."""

import hashlib
import os
import shutil
import sys
from dataclasses import asdict, dataclass

from . import measure

MIB = 1 << 20


@dataclass(frozen=True)
class Work:
    """So many objects of a size, in one direction."""

    name: str
    is_up: bool
    count: int
    size: int

    @property
    def served(self):
        """The folder that the sink serves for it."""
        return f"{self.count}x{self.size}"

    def source(self, place):
        """The file or folder to send."""
        return place.sources / self.served


def works(quick):
    """All work; a smoke test has less of it."""
    large, medium, small = (64, 8, 100) if quick else (1024, 100, 2000)
    shapes = [
        ("large", 1, large * MIB),
        ("small", small, 16 << 10),
        ("medium", medium, 8 * MIB),
    ]
    return [
        Work(f"{name}-{direction}", direction == "up", count, size)
        for name, count, size in shapes
        for direction in ("up", "down")
    ]


NAMES = [work.name for work in works(False)]


def run(clients, place, chosen):
    """Does all work that was asked for, round robin; the figures of each client."""
    done = []
    for work in works(chosen.quick):
        if work.name not in chosen.sections:
            continue
        if work.is_up:
            make_sources(work, place)
        able = [client for client in clients if client.can(work)]
        runs = {client.name: [] for client in able}
        failures = {}
        for number in range(chosen.rounds):
            # Another one begins each time.
            turn = number % max(len(able), 1)
            for client in able[turn:] + able[:turn]:
                if client.name in failures:
                    continue
                print(f"{work.name} round {number + 1}: {client.name}", file=sys.stderr)
                try:
                    runs[client.name].append(once(client, work, place, number))
                except measure.Failed as failure:
                    failures[client.name] = str(failure)
                    print(f"{client.name} failed: {failure}", file=sys.stderr)
        if work.is_up:
            shutil.rmtree(place.sources)
        done.append(
            {
                "name": work.name,
                "objects": work.count,
                "bytes_each": work.size,
                "failures": failures,
                "clients": {
                    client.name: {
                        "sse_c": client.sse_c,
                        "runs": [asdict(run) for run in runs[client.name]],
                        **summary(runs[client.name]),
                    }
                    for client in able
                    if runs[client.name]
                },
            }
        )
    return done


def summary(runs):
    """Medians of all figures."""
    figures = ["wall", "cpu", "user", "system", "peak_mib", "sink_cpu"]
    return {figure: round(measure.median(runs, figure), 4) for figure in figures}


def once(client, work, place, number):
    """One client does the work once; it counts only if all bytes arrived."""
    before = place.sink.counts().get("bytes received", 0)
    cpu = place.sink.cpu()
    if work.is_up:
        command, environment = client.upload(work, f"up/{client.name}/{number}")
    else:
        target = place.targets / client.name
        command, environment = client.download(work, target)
    result = measure.run(command, environment, place.scratch)
    result.sink_cpu = place.sink.cpu() - cpu
    if work.is_up:
        received = place.sink.counts()["bytes received"] - before
        if received < work.count * work.size:
            raise measure.Failed(f"{received} bytes arrived of {work.count * work.size}")
    else:
        check_arrived(work, target, number == 0, place)
        shutil.rmtree(target)
    return result


def make_sources(work, place):
    """Makes what is to be sent, of random bytes."""
    folder = work.source(place)
    folder.mkdir(parents=True)
    for number in range(work.count):
        with open(folder / f"{number:08}.bin", "wb") as file:
            left = work.size
            while left > 0:
                left -= file.write(os.urandom(min(left, 8 * MIB)))


def check_arrived(work, target, contents, place):
    """Fails unless all files are there and, if `contents`, hold what other clients got."""
    files = sorted(path for path in target.rglob("*") if path.is_file())
    if len(files) != work.count or any(path.stat().st_size != work.size for path in files):
        raise measure.Failed(f"{len(files)} files arrived, or not of the size of {work.count}")
    if not contents:
        return
    digest = hashlib.sha256()
    for path in files:
        with open(path, "rb") as file:
            while piece := file.read(8 * MIB):
                digest.update(piece)
    expected = vars(place).setdefault("digests", {}).setdefault(work.name, digest.digest())
    if expected != digest.digest():
        raise measure.Failed("the content is not what the first client got")
