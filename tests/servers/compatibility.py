"""The page about servers: three tables, of what was seen."""

from __future__ import annotations

CONFIRMED = "writes confirm the key that they used"
NEVER = "never"

HEAD = """\
# Servers

What keyferry does with S3-compatible servers, and what they do with customer keys (SSE-C). This page
is written by `tests/servers/test_compatibility.py`, which runs every operation against every server;
the test fails when the page says anything else.

`keyferry lab` is the embedded S3 and does what AWS documents. The others are what their projects
ship: {servers}.
"""

OPERATIONS = """
## What keyferry does with them

`differs` is the right answer where a server corrupts its replica, `not proven` where it shows too
little to go by.

{table}

{notes}
"""

TRAITS = """
## What the servers do

Asked with boto3, over TLS, without keyferry in between.

{table}
"""

WORKAROUNDS = """
## What keyferry does about it

{lines}

A replica at another server is named with `--replica` and `--replica-endpoint-url`, and reached with
`--replica-region`, `--replica-profile` and `--replica-ca-bundle`. Where a server gives neither a
replication status nor checksums, `--level equal` ends with "not proven" and exit code 3, and only
`--level deep`, which reads both sides, can verify.
"""

# A trait, what it looks like where a server does less than S3, what that is, and what keyferry does
# then.
WORKAROUND = [
    (
        CONFIRMED,
        lambda said: "CreateMultipartUpload" in said,
        "Nothing confirms the key when a multipart upload begins",
        "one byte goes ahead as part 1, and content follows only when that was confirmed",
    ),
    (
        CONFIRMED,
        lambda said: said == NEVER,
        "Keys are ignored, and plaintext is stored",
        "an upload in parts is refused before content is sent; of one in one piece keyferry says that a "
        "plaintext copy may be there",
    ),
    (
        "a wrong checksum of an upload",
        lambda said: said == "ignored",
        "The checksum of an upload is not checked",
        "damage on the way to the server shows only when it is read, as `verify --level deep` does",
    ),
    (
        "stored checksums are told",
        lambda said: said == "no",
        "No checksums are kept",
        "a download is said to be not verified, and copies through this machine are read back",
    ),
    (
        "tags of an upload in parts",
        lambda said: said != "kept",
        "Tags of an upload in parts are lost",
        "they are set again when it is complete",
    ),
    (
        "entity tag of an upload in parts",
        lambda said: said == "empty",
        "The entity tag of an upload in parts is not named",
        "it is asked for, since the receipt holds it",
    ),
    (
        "HEAD of one part",
        lambda said: said == "ignored",
        "The sizes of parts are not told",
        "the receipt tells in which part content differs; `cp` of such objects goes through this machine, "
        "and `rekey` leaves them as they are",
    ),
    (
        "CopyObject from one customer key to another",
        lambda said: said.startswith("refused"),
        "There is no CopyObject from one customer key to another",
        "`cp` takes the content through this machine, and `rekey` says that it cannot",
    ),
    (
        "CopyObject from one customer key to another",
        lambda said: said == "yes, not confirmed",
        "Copies are encrypted, and nothing confirms it",
        "the copy must open with the key and be refused without one",
    ),
    (
        "CopyObject from plain to a customer key",
        lambda said: said == "stored unencrypted",
        "A copy from plain to a customer key is answered with 200 and stored unencrypted",
        "keyferry says that a plaintext copy may be there, and stops",
    ),
    (
        "UploadPartCopy from one customer key to another",
        lambda said: said.startswith("refused"),
        "There is no UploadPartCopy from one customer key to another",
        "`cp` takes the content through this machine, and `rekey` says that it cannot",
    ),
    (
        "conditional writes (If-None-Match)",
        lambda said: said == "ignored",
        "`If-None-Match` is ignored",
        "`--overwrite never` asks before it sends anything; that two who write at once do not overwrite each "
        "other, nobody can promise there",
    ),
    (
        "replication status of an object",
        lambda said: said == "no",
        "There is no replication status",
        "the replica itself is waited for, and without checksums `--level equal` proves nothing",
    ),
]


def page(servers) -> str:
    """The page about what these servers showed."""
    names = [server.name for server in servers]
    notes: list[str] = []

    def field(cell) -> str:
        if cell.note is None:
            return cell.text
        if cell.note not in notes:
            notes.append(cell.note)
        return f"{cell.text} [{notes.index(cell.note) + 1}]"

    operations = table(
        ["", *names],
        [
            [title, *(field(server.operations[title]) for server in servers)]
            for title in servers[0].operations
        ],
    )
    traits = table(
        ["", *names],
        [[title, *(server.traits[title] for server in servers)] for title in servers[0].traits],
    )
    numbered = "\n".join(f"{number}. {note}" for number, note in enumerate(notes, 1))
    lines = []
    for title, is_less, what, then in WORKAROUND:
        which = [server for server in servers if is_less(server.traits[title])]
        # Of a server without encryption there is nothing else to say.
        which = [each for each in which if title == CONFIRMED or each.traits[CONFIRMED] != NEVER]
        if which:
            named = ", ".join(server.name for server in which)
            lines.append(f"- {what} ({named}): {then}.")
    corrupt = [
        server.name
        for server in servers
        if server.operations["verify --level deep, parts"].text == "differs"
    ]
    if corrupt:
        lines.append(
            f"- Replicas of uploads in parts are corrupt, and only their content shows it "
            f"({', '.join(corrupt)}): `--level sample` and `--level deep` read it, and name the part."
        )
    return "".join(
        [
            HEAD.format(servers=", ".join(names[1:])),
            OPERATIONS.format(table=operations, notes=numbered),
            TRAITS.format(table=traits),
            WORKAROUNDS.format(lines="\n".join(lines)),
        ]
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(fields)} |" for fields in lines)
