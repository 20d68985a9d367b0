"""boto3 as people use it: upload_file and download_file, small files side by side.

boto3_client.py up|down ENDPOINT KEY_FILE PREFIX FOLDER
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config

BUCKET = "bench"
WORKERS = 16


def main(direction, endpoint, key_file, prefix, folder):
    """Sends or fetches everything."""
    config = Config(max_pool_connections=64, s3={"addressing_style": "path"})
    client = boto3.client("s3", endpoint_url=endpoint, config=config)
    folder = Path(folder)
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": Path(key_file).read_bytes()}

    def upload(path):
        client.upload_file(str(path), BUCKET, f"{prefix}/{path.name}", ExtraArgs=key)

    def download(name):
        client.download_file(BUCKET, name, str(folder / name.rpartition("/")[2]), ExtraArgs=key)

    if direction == "up":
        work, names = upload, sorted(folder.iterdir())
    else:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix + "/")
        work, names = download, [item["Key"] for page in pages for item in page["Contents"]]
    with ThreadPoolExecutor(min(WORKERS, len(names))) as pool:
        list(pool.map(work, names))


if __name__ == "__main__":
    main(*sys.argv[1:])
