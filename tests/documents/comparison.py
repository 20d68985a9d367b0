"""Two sets of documents, compared as AWS reads them."""

from __future__ import annotations

import json

from emitted import Document

# Lists whose order means nothing, in policies and in bucket configuration.
UNORDERED = {"Action", "NotAction", "Resource", "NotResource", "AWS", "Service", "Tags"}


def canonical(value, name: str = ""):
    """Members sorted, a list of one as its element, unordered lists sorted."""
    if isinstance(value, dict):
        return {key: canonical(value[key], key) for key in sorted(value)}
    if isinstance(value, list):
        items = [canonical(each) for each in value]
        if name in UNORDERED:
            items.sort(key=json.dumps)
            return items[0] if len(items) == 1 else items
        return items
    return value


def differences(
    expected: dict[Document, dict], found: dict[Document, dict]
) -> list[str]:
    report = [f"{document} is missing" for document in sorted(expected.keys() - found.keys())]
    report += [f"{document} is surplus" for document in sorted(found.keys() - expected.keys())]
    for document in sorted(expected.keys() & found.keys()):
        left, right = canonical(expected[document]), canonical(found[document])
        if left != right:
            report.append(f"{document}: expected {json.dumps(left)}, found {json.dumps(right)}")
    return report
