"""Where it runs, and what the clients see of it."""

import base64
import hashlib
import os
import platform
import shutil
from pathlib import Path


def tmpfs():
    """A folder in memory with room for the data: a gigabyte to send and one to fetch."""
    folder = Path(os.environ.get("BENCH_DIR", "/dev/shm"))
    free = shutil.disk_usage(folder).free
    if free < 4 << 30:
        raise SystemExit(f"{folder} has {free >> 20} MiB free, 4096 are needed; BENCH_DIR names another")
    available = next(
        int(line.split()[1]) >> 10
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        if line.startswith("MemAvailable")
    )
    if available < 6 << 10:
        raise SystemExit(f"{available} MiB of memory are available, 6144 are needed")
    return folder


def describe():
    """The machine's class; no names."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": platform.release().split("-")[0],
        "load_before": os.getloadavg()[0],
    }


class Place:
    """Folders and addresses of one comparison."""

    def __init__(self, scratch, sink):
        self.scratch = scratch
        self.sink = sink
        self.home = scratch / "home"
        self.home.mkdir()
        self.key_file = scratch / "key"
        # The customer key of all runs.
        key = os.urandom(32)
        self.key_file.write_bytes(key)
        self.key_file.chmod(0o600)
        self.key_base64 = base64.b64encode(key).decode()
        self.key_md5 = base64.b64encode(hashlib.md5(key).digest()).decode()
        self.sources = scratch / "up"
        self.targets = scratch / "down"
        self.targets.mkdir()

    def environment(self, **more):
        """Variables for a client: nothing of whoever runs this, and the sink's credentials."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": "AKIABENCHBENCHBENCH0",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CA_BUNDLE": str(self.sink.ca),
            "SSL_CERT_FILE": str(self.sink.ca),
            **more,
        }
