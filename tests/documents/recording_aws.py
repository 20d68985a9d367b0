"""Stands in for `aws` on a script's PATH: remembers each call, and what was made so far.

To the script it is an account in which nothing exists yet. Reads of what was not made fail, as the
AWS CLI fails. RECORD names the file that calls are appended to, one JSON value a line.
"""

import json
import os
import sys
from pathlib import Path

# What has to come first for a read to find something.
MADE_BY = {
    "get-role": "create-role",
    "head-bucket": "create-bucket",
    "get-bucket-location": "create-bucket",
    "get-bucket-policy": "put-bucket-policy",
    "get-bucket-replication": "put-bucket-replication",
    "get-bucket-encryption": "put-bucket-encryption",
    "get-bucket-versioning": "put-bucket-versioning",
    "get-policy": "create-policy",
}
NAMES = ("bucket", "role-name", "policy-name", "policy-arn")
FAILED = 254


def options(words: list[str]) -> dict[str, str]:
    """`--name value` pairs; a file's content in the place of its name."""
    found = {}
    for index, word in enumerate(words):
        if word.startswith("--"):
            following = words[index + 1] if index + 1 < len(words) else ""
            value = "" if following.startswith("--") else following
            if value.startswith("file://"):
                value = Path(value.removeprefix("file://")).read_text()
            found[word[2:]] = value
    return found


def main() -> int:
    record = Path(os.environ["RECORD"])
    words = sys.argv[1:]
    positional = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("--"):
            skip = word not in ("--no-cli-pager", "--no-paginate", "--debug")
        else:
            positional.append(word)
    service, operation = positional[:2]
    given = options(words)
    past = []
    if record.exists():
        past = [json.loads(line) for line in record.read_text().splitlines()]
    if operation in MADE_BY:
        name = next((given[each] for each in NAMES if each in given), "")
        made = any(
            call["operation"] == MADE_BY[operation] and name in call["options"].values()
            for call in past
        )
        if not made:
            print("An error occurred (404): Not Found", file=sys.stderr)
            return FAILED
    call = {"service": service, "operation": operation, "options": given}
    with record.open("a") as log:
        log.write(json.dumps(call) + "\n")
    print("{}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
