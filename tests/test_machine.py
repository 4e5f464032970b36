"""What the machine offers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hgq2rtl import machine
from hgq2rtl.sim import tools


@pytest.mark.parametrize(
    "variables",
    [
        {"HGQ2RTL_CACHE": "/a/b", "XDG_CACHE_HOME": "/c"},
        {"XDG_CACHE_HOME": "/c"},
        {"XDG_CACHE_HOME": "", "HOME": "/home/somebody"},
        {"HOME": "/home/somebody"},
    ],
)
def test_the_benches_and_the_compiler_share_one_cache(monkeypatch, variables):
    """The benches stand alone and say it again: catches two answers."""
    for name in ("HGQ2RTL_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    expected = {
        "/a/b": Path("/a/b"),
        "/c": Path("/c/hgq2rtl"),
        "/home/somebody": Path("/home/somebody/.cache/hgq2rtl"),
    }
    assert machine.cache_folder() == tools.cache_folder()
    assert machine.cache_folder() == expected[next(v for v in variables.values() if v)]


def test_only_usable_cores_count(monkeypatch):
    """Catches threads for cores that a batch system gave to somebody else."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5}, raising=False)
    assert machine.usable_cores() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine.usable_cores() == 1
