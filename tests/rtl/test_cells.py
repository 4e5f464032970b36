"""Cells of primitives: each is its behavioural twin, proved on the vendor's cell models."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import pytest

from ..journeys.outside_yosys import cell_models, yosys

CELLS = files("hgq2rtl.hdl_templates").joinpath("cells")


class Case(NamedTuple):
    """A cell with parameters, what may stand on its inputs, and the width of its output."""

    cell: str
    parameters: dict[str, str]
    inputs: dict[str, tuple[int, int]]
    """Width, and a mask of the bits that are free; others are 0."""
    output: int


def bits(width: int, value: int) -> str:
    return f"{width}'h{value:x}"


def chains(widths: range) -> Iterator[Case]:
    for w in widths:
        for cell, first, second in (("chain", "s", "di"), ("row", "d", "s")):
            free = {first: (w, -1), second: (w, -1), "ci": (1, 1)}
            for result in (w, w + 1):
                yield Case(cell, {"WIDTH": str(w), "RESULT": str(result)}, free, result)


def row_of_three(w: int, compressed: int, inverted: tuple[int, int, int]) -> Case:
    """A bit that a position cannot take is 0 and not inverted."""
    every = (1 << w) - 1
    above = (compressed << 1) & ~compressed & every
    taken = (every & ~above, every, compressed)
    names = ("D_INVERT", "S_INVERT", "Z_INVERT")
    masks = {n: bits(w, i & t) for n, i, t in zip(names, inverted, taken, strict=True)}
    result = w if compressed >> (w - 1) else w + 1
    return Case(
        "row_of_three",
        {"WIDTH": str(w), "RESULT": str(result), **masks, "COMPRESSED": bits(w, compressed)},
        {name: (w, t) for name, t in zip("dsz", taken, strict=True)} | {"ci": (1, 1)},
        result,
    )


def small_rows_of_three() -> Iterator[Case]:
    """Every choice of compressed positions up to four, every operand inverted or not."""
    for w in range(1, 5):
        for compressed in range(1 << w):
            for which in range(8):
                yield row_of_three(w, compressed, tuple(-(which >> n & 1) for n in range(3)))


def random_rows_of_three(seed: int) -> Iterator[Case]:
    r = random.Random(seed)
    for _ in range(50):
        w = r.randint(1, 21)
        compressed = r.choice((r.getrandbits(w), (1 << w) - 1, ((1 << r.randint(0, w)) - 1) & ~1))
        yield row_of_three(w, compressed, tuple(r.getrandbits(w) for _ in range(3)))


def choices(widths: range) -> Iterator[Case]:
    for w in widths:
        width = {"WIDTH": str(w)}
        for when in (0, 1):
            given = {**width, "WHEN": bits(1, when)}
            yield Case("mask", given, {"a": (w, -1), "bit_": (1, 1)}, w)
        yield Case("choose", width, {"a": (w, -1), "b": (w, -1), "bit_": (1, 1)}, w)


FAMILIES = {
    "chains": [*chains(range(1, 18))],
    "small rows of three": [*small_rows_of_three()],
    "rows of three": [*random_rows_of_three(1)],
    "choices": [*choices(range(1, 10))],
}


def comparison(number: int, case: Case) -> tuple[list[str], str]:
    """Both twins of a case on the same inputs: ports, and what drives its bit of `ok`."""
    inputs, wires = [], []
    for name, (width, free) in case.inputs.items():
        mask = bits(width, free & ((1 << width) - 1))
        inputs.append(f"input [{width - 1}:0] {name}_{number}")
        wires.append(f"  wire [{width - 1}:0] free_{name}_{number} = {name}_{number} & {mask};")
    wires.append(f"  wire [{case.output - 1}:0] gold_o_{number}, gate_o_{number};")
    parameters = ", ".join(f".{name}({value})" for name, value in case.parameters.items())
    ports = "".join(f".{name}(free_{name}_{number}), " for name in case.inputs)
    for twin in ("gold", "gate"):
        cell = f"{twin}__{case.cell} #({parameters}) {twin}_{number}"
        wires.append(f"  {cell} ({ports}.o({twin}_o_{number}));")
    wires.append(f"  assign ok[{number}] = gold_o_{number} == gate_o_{number};")
    return inputs, "\n".join(wires)


def prove(cases: list[Case], folder: Path, breakage: tuple[str, str] = ("", "")) -> str:
    """Yosys on all cases at once: empty if the twins agree on every input, else what it said."""
    models = cell_models(yosys())
    shutil.copy(models, folder / "models.v")
    text = "".join(file.read_text() for file in CELLS.iterdir() if file.name.endswith(".v"))
    (folder / "gold.v").write_text(text.replace("hgq2rtl__", "gold__"))
    broken = text.replace(*breakage) if breakage[0] else text
    assert not breakage[0] or broken != text
    (folder / "gate.v").write_text(broken.replace("hgq2rtl__", "gate__"))
    compared = [comparison(n, case) for n, case in enumerate(cases)]
    ports = [port for inputs, _ in compared for port in inputs]
    body = "\n".join(text for _, text in compared)
    (folder / "top.v").write_text(
        f"module top({', '.join(ports)}, output [{len(cases) - 1}:0] ok);\n{body}\nendmodule\n"
    )
    (folder / "prove.ys").write_text(
        "read_verilog models.v\n"
        "read_verilog -DHGQ2RTL_NO_PRIMITIVES gold.v\n"
        "read_verilog gate.v\n"
        "read_verilog top.v\n"
        "hierarchy -check -top top\n"
        "proc; flatten; opt_clean\n"
        f"sat -verify -prove ok {len(cases)}'b{'1' * len(cases)} -show ok top\n"
    )
    done = subprocess.run(
        [*yosys(), "-q", "prove.ys"], cwd=folder, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("family", FAMILIES)
def test_a_cell_is_its_twin(family, tmp_path):
    """Catches a wrong truth table, a carry that is lost, a bit in the wrong place."""
    assert prove(FAMILIES[family], tmp_path) == ""


BREAKAGES = {
    "carry in": ("chains", ".CYINIT(ci)", ".CYINIT(1'b0)"),
    "between blocks": ("chains", "all_co[4*n-1]", "all_co[4*n-2]"),
    "carry out inside a block": ("chains", "o[WIDTH] = all_o[WIDTH]", "o[WIDTH] = all_o[WIDTH-1]"),
    "carry out of a full block": ("chains", "= all_co[WIDTH-1]", "= all_o[WIDTH-1]"),
    "majority": ("rows of three", "(D & S) | (D & Z)", "(D & S)"),
    "parity": ("rows of three", "^ 16'hff00;", ";"),
    "complement beside d": ("rows of three", "{8{4'h5}}", "{8{4'ha}}"),
    "above a compressed position": ("small rows of three", "^ S_INVERT[n] ^ save[n]", "^ save[n]"),
    "mask": ("choices", "{4{8'hc0}}", "{4{8'ha0}}"),
    "choice": ("choices", "32'hf0f0ff00", "32'hff00f0f0"),
    "odd position": ("choices", "WHEN ? a[WIDTH-1] & bit_", "WHEN ? a[WIDTH-1]"),
}


@pytest.mark.parametrize("what", BREAKAGES)
def test_a_broken_cell_fails_the_proof(what, tmp_path):
    """Catches a proof that holds for anything, or does not look at the primitives."""
    family, right, wrong = BREAKAGES[what]
    assert "proof did fail" in prove(FAMILIES[family], tmp_path, (right, wrong))
