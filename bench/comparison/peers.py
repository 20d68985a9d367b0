"""The clients: how each is asked to do a piece of work.

Each gets the settings that suit the work best among those that its manual tells of; what is not said here
is its default. A peer without SSE-C does the same work without, and is marked.
"""

import subprocess
from pathlib import Path

from .install import S3SYNC

BUCKET = "bench"


class Client:
    """One program, and how to use it."""

    name = ""
    sse_c = True
    is_peer = True

    def __init__(self, program, place):
        self.program = Path(program)
        self.place = place
        self.endpoint = place.sink.endpoint

    def can(self, work):
        """Whether it does this work at all."""
        return True

    def version(self):
        """What the program says of itself."""
        command = [self.program, "--version"]
        said = subprocess.run(command, capture_output=True, text=True, check=False, env=self.environment())
        return (said.stdout or said.stderr).strip().splitlines()[0]

    def environment(self):
        """Its variables."""
        return self.place.environment()

    def upload(self, work, prefix):
        """Command and environment that upload the work's files under a prefix."""
        raise NotImplementedError

    def download(self, work, target):
        """Command and environment that download the work's objects into a folder."""
        raise NotImplementedError


def file_of(work, place):
    """The only file of a work."""
    return work.source(place) / "00000000.bin"


class Floor(Client):
    """hyper and rustls, nothing else."""

    name = "floor"
    is_peer = False

    def version(self):
        return "hyper and rustls of this workspace"

    def _command(self, work, *arguments):
        connections = 64 if work.size < 1 << 20 else 8
        options = ["--endpoint", self.endpoint, "--ca", self.place.sink.ca]
        return [self.program, *options, "--connections", connections, *arguments], self.environment()

    def upload(self, work, prefix):
        source = file_of(work, self.place) if work.count == 1 else work.source(self.place)
        return self._command(work, "up", source, f"/{BUCKET}/{prefix}")

    def download(self, work, target):
        if work.count == 1:
            target.mkdir()
            target = target / "00000000.bin"
        shape = ["--count", work.count, "--size", work.size]
        return self._command(work, "down", *shape, f"/{BUCKET}/{work.served}", target)


class Keyferry(Client):
    """The shipped program. A key by file, so that no store is unlocked, and no replication to wait for."""

    name = "keyferry"
    is_peer = False

    def __init__(self, program, place):
        super().__init__(program, place)
        usage = subprocess.run([program, "upload", "--help"], capture_output=True, text=True, check=True)
        self.has_folders = "--recursive" in usage.stdout

    def can(self, work):
        return work.count == 1 or self.has_folders

    def command(self, *arguments, endpoint=None):
        """A command of keyferry's with the settings of all of them."""
        return [
            self.program,
            *("--endpoint-url", endpoint or self.endpoint, "--ca-bundle", self.place.sink.ca),
            *("--no-progress", "--quiet"),
            *arguments,
            *("--key", f"file:{self.place.key_file}"),
        ]

    def upload(self, work, prefix):
        if work.count == 1:
            what = [file_of(work, self.place), f"s3://{BUCKET}/{prefix}/00000000.bin"]
        else:
            what = ["--recursive", work.source(self.place), f"s3://{BUCKET}/{prefix}/"]
        return self.command("upload", "--no-wait", *what), self.environment()

    def download(self, work, target):
        target.mkdir()
        if work.count == 1:
            what = [f"s3://{BUCKET}/{work.served}/00000000.bin", target / "00000000.bin"]
        else:
            what = ["--recursive", f"s3://{BUCKET}/{work.served}/", target]
        return self.command("download", *what), self.environment()


class AwsCli(Client):
    """The AWS CLI v2 with its classic transfers."""

    name = "aws-classic"
    transfers = "classic"

    def __init__(self, program, place):
        super().__init__(program, place)
        self.config = place.home / f"aws-{self.transfers}"
        self.config.write_text(
            "[default]\ns3 =\n"
            f"  preferred_transfer_client = {self.transfers}\n  addressing_style = path\n",
            encoding="ascii",
        )

    def environment(self):
        return self.place.environment(
            AWS_CONFIG_FILE=str(self.config), AWS_ENDPOINT_URL=self.endpoint, AWS_PAGER=""
        )

    def _copy(self, work, source, target):
        key = ["--sse-c", "AES256", "--sse-c-key", f"fileb://{self.place.key_file}"]
        folder = [] if work.count == 1 else ["--recursive"]
        command = [self.program, "s3", "cp", "--only-show-errors", *key, *folder, source, target]
        return command, self.environment()

    def upload(self, work, prefix):
        if work.count == 1:
            return self._copy(work, file_of(work, self.place), f"s3://{BUCKET}/{prefix}/00000000.bin")
        return self._copy(work, work.source(self.place), f"s3://{BUCKET}/{prefix}/")

    def download(self, work, target):
        target.mkdir()
        if work.count == 1:
            source = f"s3://{BUCKET}/{work.served}/00000000.bin"
            return self._copy(work, source, target / "00000000.bin")
        return self._copy(work, f"s3://{BUCKET}/{work.served}/", target)


class AwsCrt(AwsCli):
    """The AWS CLI v2 on the Common Runtime."""

    name = "aws-crt"
    transfers = "crt"


class Rclone(Client):
    """rclone; many transfers at once for small files, more parts at once for large ones."""

    name = "rclone"

    def version(self):
        said = subprocess.run([self.program, "version"], capture_output=True, text=True, check=False)
        return said.stdout.splitlines()[0]

    def environment(self):
        return self.place.environment(
            RCLONE_CONFIG=str(self.place.home / "rclone.conf"),
            RCLONE_CONFIG_SINK_TYPE="s3",
            RCLONE_CONFIG_SINK_PROVIDER="Other",
            RCLONE_CONFIG_SINK_ENV_AUTH="true",
            RCLONE_CONFIG_SINK_REGION="us-east-1",
            RCLONE_CONFIG_SINK_ENDPOINT=self.endpoint,
            RCLONE_CONFIG_SINK_SSE_CUSTOMER_ALGORITHM="AES256",
            RCLONE_CONFIG_SINK_SSE_CUSTOMER_KEY_BASE64=self.place.key_base64,
            RCLONE_CONFIG_SINK_NO_CHECK_BUCKET="true",
            RCLONE_CA_CERT=str(self.place.sink.ca),
        )

    def _copy(self, work, source, target):
        many = ["--transfers", 64 if work.size < 1 << 20 else 8, "--s3-upload-concurrency", 8]
        options = [*many, "--no-traverse"] if work.count == 1 else many
        return [self.program, "copy", *options, source, target], self.environment()

    def upload(self, work, prefix):
        return self._copy(work, work.source(self.place), f"sink:{BUCKET}/{prefix}")

    def download(self, work, target):
        return self._copy(work, f"sink:{BUCKET}/{work.served}", target)


class S5cmd(Client):
    """s5cmd, which has no SSE-C."""

    name = "s5cmd"
    sse_c = False

    def version(self):
        said = subprocess.run([self.program, "version"], capture_output=True, text=True, check=False)
        return f"s5cmd {said.stdout.strip()}"

    def _copy(self, source, target):
        command = [self.program, "--endpoint-url", self.endpoint, "--log", "error", "cp"]
        return [*command, source, target], self.environment()

    def upload(self, work, prefix):
        return self._copy(f"{work.source(self.place)}/", f"s3://{BUCKET}/{prefix}/")

    def download(self, work, target):
        target.mkdir()
        return self._copy(f"s3://{BUCKET}/{work.served}/*", f"{target}/")


class Boto3(Client):
    """boto3's transfers, as a short script."""

    name = "boto3"
    script = Path(__file__).with_name("boto3_client.py")

    def version(self):
        command = [self.program, "-c", "import boto3; print('boto3', boto3.__version__)"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    def _command(self, direction, prefix, folder):
        what = [direction, self.endpoint, self.place.key_file, prefix, folder]
        return [self.program, self.script, *what], self.environment()

    def upload(self, work, prefix):
        return self._command("up", prefix, work.source(self.place))

    def download(self, work, target):
        target.mkdir()
        return self._command("down", work.served, target)


class S3sync(Client):
    """s3sync, the strongest peer in Rust; unsigned payloads, and many workers for small files."""

    name = "s3sync"

    def version(self):
        # Built without its features, it does not tell.
        return f"s3sync {S3SYNC}"

    def _command(self, work, side, source, target):
        key = {
            f"{side}_SSE_C": "AES256",
            f"{side}_SSE_C_KEY": self.place.key_base64,
            f"{side}_SSE_C_KEY_MD5": self.place.key_md5,
            f"{side}_ENDPOINT_URL": self.endpoint,
            f"{side}_REGION": "us-east-1",
            f"{side}_FORCE_PATH_STYLE": "true",
        }
        options = ["--worker-size", 64 if work.size < 1 << 20 else 16]
        if side == "TARGET":
            options.append("--disable-payload-signing")
        return [self.program, *options, source, target], {**self.environment(), **key}

    def upload(self, work, prefix):
        source = f"{work.source(self.place)}/"
        return self._command(work, "TARGET", source, f"s3://{BUCKET}/{prefix}/")

    def download(self, work, target):
        target.mkdir()
        return self._command(work, "SOURCE", f"s3://{BUCKET}/{work.served}/", f"{target}/")


ALL = [Floor, Keyferry, AwsCrt, AwsCli, Rclone, S5cmd, Boto3, S3sync]
NAMES = [client.name for client in ALL]
PEERS = [client.name for client in ALL if client.is_peer]


def available(tools, place, names):
    """The clients that were asked for and are installed."""
    return [
        client(tools.clients[client.name], place)
        for client in ALL
        if client.name in names and client.name in tools.clients
    ]
