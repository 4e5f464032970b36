"""docs/functions.md is generated from the tables of NumPy names, and its code runs."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CODE = re.findall(r"```python\n(.*?)```", (DOCS / "functions.md").read_text(), re.DOTALL)


def test_the_page_is_up_to_date():
    """If this fails: ``python docs/generate_functions.py``."""
    path = DOCS / "generate_functions.py"
    spec = importlib.util.spec_from_file_location("generate_functions", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert (DOCS / "functions.md").read_text() == script.text()


@pytest.mark.parametrize("code", CODE)
def test_the_code_of_the_page_runs(code, monkeypatch):
    monkeypatch.chdir(ROOT)
    names: dict = {}
    exec(code, names)
    assert {"trigger", "design"} & set(names)
