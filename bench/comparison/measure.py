"""Runs one program and measures it. This file is its own helper program, too.

The program is started by a small process of its own: Linux counts the memory of whoever starts a program
as the program's, so whatever this process had grown to would be the least that any client could take.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass
class Run:
    """What one run of a program took."""

    wall: float
    user: float
    system: float
    peak_mib: float
    sink_cpu: float = 0.0

    @property
    def cpu(self):
        """Seconds of processor time, in the program and in the kernel for it."""
        return self.user + self.system


class Failed(Exception):
    """A program that did not do its work."""


def run(command, environment, directory, limit=900):
    """Runs a command to its end."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    helper = [sys.executable, "-I", "-S", __file__, str(writing), *map(str, command)]
    process = subprocess.Popen(
        helper,
        env=environment,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        close_fds=True,
        pass_fds=[writing],
        start_new_session=True,
    )
    os.close(writing)
    try:
        _, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        raise Failed(f"no end after {limit} s: {command[0]}") from None
    finally:
        with os.fdopen(reading) as pipe:
            text = pipe.read()
    if not text:
        raise Failed(errors.decode(errors="replace")[-2000:])
    measured = json.loads(text)
    if measured.pop("code") != 0:
        raise Failed(errors.decode(errors="replace")[-2000:])
    return Run(**measured)


def median(runs, of):
    """The median of one of the figures."""
    return statistics.median(getattr(run, of) for run in runs)


def helper(writing, command):
    """Starts the command, waits for it, and says what it took."""
    os.set_inheritable(writing, False)
    started = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - started
    measured = {
        "code": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "user": usage.ru_utime,
        "system": usage.ru_stime,
        "peak_mib": usage.ru_maxrss / 1024,
    }
    with os.fdopen(writing, "w") as pipe:
        json.dump(measured, pipe)


if __name__ == "__main__":
    helper(int(sys.argv[1]), sys.argv[2:])
