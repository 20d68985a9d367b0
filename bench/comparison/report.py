"""Tables for people, and which targets were met."""

from .peers import PEERS

# Work, the figure compared, with whom, and the most that the ratio may be.
TARGETS = [
    ("large-up", "wall", "best", 0.65),
    ("large-up", "cpu", "best", 0.40),
    ("large-up", "cpu", "floor", 1.15),
    ("large-down", "wall", "rclone", 1.00),
    ("large-down", "cpu", "rclone", 1.00),
    ("large-down", "cpu", "floor", 1.15),
    ("small-up", "wall", "best", 0.35),
    ("small-up", "cpu", "best", 0.30),
    ("small-down", "wall", "best", 0.80),
    ("small-down", "user", "best", 0.50),
    ("medium-up", "cpu", "floor", 1.15),
    ("medium-down", "cpu", "floor", 1.15),
]
MEMORY_MIB = 160
STARTUP_MS = 5
ROUND_TRIPS = 1.3


def reference(work, figure, whom):
    """A figure of somebody's; the best of the peers with SSE-C, or of all peers."""
    clients = work["clients"]
    if whom in clients:
        return clients[whom][figure]
    figures = [
        client[figure]
        for name, client in clients.items()
        if name in PEERS and (client["sse_c"] or whom == "best of all")
    ]
    return min(figures) if figures and whom.startswith("best") else None


def ratio(work, name, figure, whom):
    """A client's figure against somebody's."""
    against = reference(work, figure, whom)
    return round(work["clients"][name][figure] / against, 3) if against else None


def targets(result):
    """Each target, the figure reached, and whether it is enough; what was not measured is left out."""
    works = {work["name"]: work for work in result["work"] if "keyferry" in work["clients"]}
    found = []

    def judge(what, reached, most):
        if reached is not None:
            found.append({"what": what, "reached": reached, "most": most, "met": reached <= most})

    for name, figure, whom, most in TARGETS:
        if name in works:
            who = {"best": "best SSE-C peer"}.get(whom, whom)
            judge(f"{name}: {figure} / {who}", ratio(works[name], "keyferry", figure, whom), most)
    for name in ("large-up", "large-down"):
        if name in works:
            judge(f"{name}: peak MiB", round(works[name]["clients"]["keyferry"]["peak_mib"], 1), MEMORY_MIB)
    extras = result["extras"]
    if memory := extras.get("memory"):
        for way in ("upload", "download"):
            judge(f"{memory[f'{way}_gib']:.0f} GiB {way}: peak MiB", memory[f"{way}_peak_mib"], MEMORY_MIB)
    if startup := extras.get("startup"):
        judge("keyferry --version: ms", startup["version_ms"], STARTUP_MS)
    if one := extras.get("one-small-upload"):
        judge("one small upload: wall / round trips", one["ratio"], ROUND_TRIPS)
    return found


def table(rows):
    """Columns, the first one to the left and the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first, *others = row
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *cells]).rstrip())


def show(result):
    """Prints everything."""
    machine = result["machine"]
    print(
        f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB; "
        f"load {machine['load_before']:.1f} before, {machine['load_after']:.1f} after; "
        f"{result['rounds']} rounds, medians"
    )
    for name, version in result["clients"].items():
        print(f"  {name}: {version}")
    for work in result["work"]:
        show_work(work)
    for name, figures in result["extras"].items():
        print(f"\n{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()))
    if result["targets"]:
        print()
        rows = [["target", "reached", "at most", ""]]
        for target in result["targets"]:
            met = "met" if target["met"] else "MISSED"
            rows.append([target["what"], str(target["reached"]), str(target["most"]), met])
        table(rows)


def show_work(work):
    """One table: the figures of each client, and its ratios to the best peer with SSE-C and the floor."""
    size = work["bytes_each"]
    text = f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"
    print(f"\n{work['name']}: {work['objects']} x {text}")
    heads = ["wall s", "cpu s", "user", "sys", "peak MiB", "sink cpu"]
    ratios = ["wall/peer", "cpu/peer", "mem/peer", "wall/floor", "cpu/floor"]
    rows = [["client", *heads, *ratios]]
    for name, figures in work["clients"].items():
        marked = name if figures["sse_c"] else f"{name} (no SSE-C)"
        numbers = [
            f"{figures[figure]:.{digits}f}"
            for figure, digits in [
                ("wall", 2), ("cpu", 2), ("user", 2), ("system", 2), ("peak_mib", 0), ("sink_cpu", 2),
            ]
        ]
        against = [
            ratio(work, name, figure, whom)
            for figure, whom in [
                ("wall", "best"), ("cpu", "best"), ("peak_mib", "best"), ("wall", "floor"), ("cpu", "floor"),
            ]
        ]
        rows.append([marked, *numbers, *["-" if value is None else f"{value:.2f}" for value in against]])
    table(rows)
    for name, failure in work["failures"].items():
        print(f"  {name} failed: {failure.strip().splitlines()[-1] if failure.strip() else 'no reason given'}")
