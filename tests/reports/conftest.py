"""Reports as a browser shows them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from browser import Browser

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def reports() -> Path:
    """The folder of the reports that the tests of `keyferry-report` write."""
    folder = Path(os.environ.get("KEYFERRY_REPORTS", ROOT / "target" / "reports"))
    if not (folder / "mixed.html").exists():
        pytest.fail(f"{folder} has no reports: run `cargo test --workspace --lib pages_for` first")
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    started = Browser(tmp_path_factory.mktemp("browser"))
    yield started
    started.close()


@pytest.fixture
def show(browser):
    """Opens pages, and closes them behind the test."""
    shown = []

    def open_page(*arguments, **options):
        page = browser.open(*arguments, **options)
        shown.append(page)
        return page

    yield open_page
    for page in shown:
        page.close()
