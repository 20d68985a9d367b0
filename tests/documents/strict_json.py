"""JSON as AWS's own parsers take it: one value, no member twice, nothing but JSON."""

from __future__ import annotations

import json


def _members(pairs: list[tuple[str, object]]) -> dict:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"member `{name}` occurs twice")
    return dict(pairs)


def _constant(name: str):
    raise ValueError(f"`{name}` is not JSON")


def parse(text: str):
    return json.loads(text, object_pairs_hook=_members, parse_constant=_constant)
