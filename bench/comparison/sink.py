"""The server that all clients talk to."""

import json
import os
import ssl
import subprocess
import urllib.request


class Sink:
    """A running sink."""

    def __init__(self, program, scratch):
        self.ca = scratch / "ca.pem"
        self.process = subprocess.Popen(
            [program, "--ca", self.ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        ready = json.loads(self.process.stdout.readline())
        self.endpoint = ready["endpoint"]
        self.far_endpoint = ready["far_endpoint"]
        self.trust = ssl.create_default_context(cafile=str(self.ca))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=10)

    def counts(self):
        """How many requests of each kind there were so far."""
        with urllib.request.urlopen(self.endpoint + "/-/counts", context=self.trust) as answer:
            return json.load(answer)

    def cpu(self):
        """Seconds of processor time so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
