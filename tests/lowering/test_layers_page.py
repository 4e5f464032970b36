"""docs/layers.md is generated from the handlers, and must not lag behind them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from hgq2rtl.lowering import HANDLERS

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def page() -> str:
    """What the script would write now."""
    spec = importlib.util.spec_from_file_location("generate_layers", DOCS / "generate_layers.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.text()


def test_the_page_is_up_to_date(page):
    """If this fails: ``python docs/generate_layers.py``."""
    assert (DOCS / "layers.md").read_text() == page


def test_the_page_names_every_handler_and_says_what_it_does(page):
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| ")]
    named = {name for classes, _ in rows for name in classes.strip().split(", ")}
    assert named - {"class"} == set(HANDLERS)
    assert all(meaning.strip() for _, meaning in rows)
