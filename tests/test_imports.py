"""Imports run downwards only, and a compile never loads a framework.

The table is that of the design: a package may import what stands beside it,
and what that may import.
"""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TREES = {
    "hgq2rtl": ROOT / "hgq2rtl",
    "hgq2rtl.sim": ROOT / "sim",
    "hgq2rtl.hdl_templates": ROOT / "hdl_templates",
}
"""Package to folder: two lie at the top of the repository and are installed inside."""

MAY_IMPORT = {
    "errors": [],
    "machine": [],
    "fixed": ["errors"],
    "targets": ["errors"],
    "ir": ["fixed", "machine", "_kernel"],
    "frontends": ["fixed"],
    "lowering": ["frontends", "ir"],
    "analyses": ["ir", "targets"],
    "cmvm": ["fixed", "machine", "targets", "_kernel"],
    "passes": ["analyses", "cmvm"],
    "schedule": ["analyses"],
    "rebuild": ["passes", "schedule"],
    "estimate": ["schedule", "targets"],
    "rtl": ["schedule", "hdl_templates"],
    "sim": ["errors"],
    "hdl_templates": [],
    "bundle": ["rtl", "estimate", "sim", "hdl_templates"],
    "verify": ["bundle"],
    "synth": ["bundle"],
    # The EBOPs that `info` and the report show are counted while lowering.
    "report": ["estimate", "synth", "lowering", "rtl"],
    "nn": ["fixed"],
}
FACES = ("", "api", "build", "cli", "design", "model_file", "user_code", "_installation")
"""These may import everything, and nothing below imports them."""

ALLOWED_MODULES = {
    "lowering": {"frontends": ["hgq2rtl.frontends.graph", "hgq2rtl.frontends.windows"]},
    "report": {"frontends": ["hgq2rtl.frontends.graph"]},
}
"""Where only a part of a package below is open: record types, not readers."""

THIRD_PARTY = {
    "numpy": None,
    "scipy": ["schedule"],
    "h5py": ["frontends"],
    "amaranth": ["rtl"],
    "jinja2": ["bundle"],
    "click": ["cli"],
    "rich": ["report", "design", "cli"],
    "cocotb": ["sim"],
    "cocotb_tools": ["sim"],
    "find_libpython": ["sim"],
    "keras": ["verify"],
    "hgq": ["verify"],
}
"""Who may import what does not come with Python; None: everybody."""

STANDALONE = {"errors", "ports", "tools"}
"""What the files of ``sim/`` are called where a copy of them lies in an output folder."""

FRAMEWORKS = ["keras", "jax", "jaxlib", "tensorflow", "torch", "hgq", "sklearn", "cocotb", "scipy"]
"""The last, which schedules, is loaded by a compile but not by an import."""


def modules():
    """Full name of every module with its syntax tree."""
    for package, folder in TREES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join([package, *(parts[:-1] if is_package else parts)])
            yield name, is_package, ast.parse(path.read_text("utf-8"))


def imports(name, is_package, tree):
    """Full names of the modules that a module imports, wherever in it the import stands."""
    home = name.split(".") if is_package else name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = home[: len(home) + 1 - node.level] if node.level else []
            source = [*base, *([node.module] if node.module else [])]
            if source == ["hgq2rtl"]:
                yield from (f"hgq2rtl.{alias.name}" for alias in node.names)
            elif source == home and node.level and not node.module:
                yield from (".".join([*source, alias.name]) for alias in node.names)
            else:
                yield ".".join(source)


def package_of(name):
    """``ir`` for hgq2rtl.ir.text; ``""`` for hgq2rtl itself."""
    return [*name.split("."), ""][1]


IMPORTS = [
    (name, target)
    for name, is_package, tree in modules()
    for target in imports(name, is_package, tree)
]


def reachable(package):
    found = set(MAY_IMPORT[package])
    for each in MAY_IMPORT[package]:
        if each in MAY_IMPORT:
            found |= reachable(each)
    return found


def test_the_table_has_no_circle():
    for package in MAY_IMPORT:
        assert package not in reachable(package)


def test_every_package_stands_in_the_table():
    packages = {package_of(name) for name, _, _ in modules()}
    assert packages - {"__main__"} <= {*MAY_IMPORT, *FACES}


def test_imports_run_downwards_only():
    wrong = []
    for name, target in IMPORTS:
        here, there = package_of(name), package_of(target)
        if target.split(".")[0] != "hgq2rtl" or here == there or here in FACES:
            continue
        if there not in reachable(here):
            wrong.append(f"{name} imports {target}")
        only = ALLOWED_MODULES.get(here, {}).get(there)
        if only is not None and target not in only:
            wrong.append(f"{name} imports {target}: only {', '.join(only)} is open to it")
    assert not wrong


def test_what_does_not_come_with_python_is_imported_where_it_is_needed():
    wrong = []
    for name, target in IMPORTS:
        root = target.split(".")[0]
        if root in ("hgq2rtl", "__future__") or root in sys.stdlib_module_names:
            continue
        if package_of(name) == "sim" and root in STANDALONE:
            continue
        owners = THIRD_PARTY.get(root, [])
        if owners is not None and package_of(name) not in owners:
            wrong.append(f"{name} imports {target}")
    assert not wrong


def test_the_framework_is_imported_in_a_process_of_its_own_only():
    importers = {name for name, target in IMPORTS if target.split(".")[0] in FRAMEWORKS[:7]}
    assert len(importers) == 1 and {package_of(name) for name in importers} == {"verify"}


def loaded_by(code, *arguments):
    """Which frameworks are in ``sys.modules`` after `code`."""
    tail = f"\nimport json, sys\nprint(json.dumps([m for m in {FRAMEWORKS} if m in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", code + tail, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_hgq2rtl_loads_no_framework():
    assert loaded_by("import hgq2rtl, hgq2rtl.cli") == []


def test_compiling_a_file_loads_no_framework(digits, tmp_path):
    code = """
import sys
import numpy, hgq2rtl
design = hgq2rtl.compile(sys.argv[1])
design.predict(numpy.zeros((1, 64)))
design.write(sys.argv[2])
hgq2rtl.load(sys.argv[2])
hgq2rtl.info(sys.argv[1], numpy.zeros((1, 64)))
"""
    assert loaded_by(code, digits, tmp_path / "out") == ["scipy"]


@pytest.mark.parametrize("name", ["keras", "jax", "torch"])
def test_the_measurement_would_see_a_framework(name):
    code = f"import sys, types; sys.modules[{name!r}] = types.ModuleType({name!r})"
    assert loaded_by(code) == [name]
