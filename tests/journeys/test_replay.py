"""The circuit of every reference model, as a hash: a refactor proves itself by leaving it alone.

RTLIL does not depend on the Yosys that is found, only on hgq2rtl and Amaranth.
A change that means to move circuits writes the hashes anew and names them in its message::

    pytest tests/journeys/test_replay.py --update-replay
"""

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hgq2rtl

from .trained import MODELS, ZOO

STORE = Path(__file__).with_name("replay.json")
DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits.keras"

DESIGNS = {
    "digits": (DIGITS, {}),
    "digits, combinational": (DIGITS, {"combinational": True}),
    "digits, 8 stages, all controls": (
        DIGITS,
        {"stages": 8, "clock_enable": True, "valid": True, "valid_reset": True},
    ),
    "digits, fixed ports, generic part": (
        DIGITS,
        {
            "input_format": "0,2,6",
            "output_format": "1,4,1,RND_CONV,SAT",
            "input_register": False,
            "output_register": False,
            "part": "generic",
        },
    ),
    "jsc_openml/ebops530": (MODELS / "hgq2/jsc_openml/ebops530.keras", {}),
    "jsc_openml/ebops2571": (MODELS / "hgq2/jsc_openml/ebops2571.keras", {}),
    "jsc_openml/ebops13285, 2 ns": (
        MODELS / "hgq2/jsc_openml/ebops13285.keras",
        {"clock_ns": 2.0},
    ),
    "jsc_cernbox/ebops3398": (MODELS / "hgq2/jsc_cernbox/ebops3398.keras", {}),
    "zoo/graph_multi_io": (ZOO / "graph_multi_io.keras", {}),
    "zoo/graph_branch_iq": (ZOO / "graph_branch_iq.keras", {}),
    "zoo/einsum_dense_bn_axes": (ZOO / "einsum_dense_bn_axes.keras", {}),
    "zoo/quant_kif_sat": (ZOO / "quant_kif_sat.keras", {"input_format": "1,6,6"}),
    "zoo/quant_kbi_wrap": (ZOO / "quant_kbi_wrap.keras", {"input_format": "1,6,6"}),
}
"""Reference designs: model and options. Those of models that are absent are left out."""


def hash_of(name):
    model, options = DESIGNS[name]
    return hgq2rtl.compile(model, **options).rtl.rtlil_hash


def test_circuits_stay_as_they_are(request):
    stored = json.loads(STORE.read_text()) if STORE.exists() else {"designs": {}}
    present = [name for name, (model, _) in DESIGNS.items() if model.exists()]
    now = {name: hash_of(name) for name in present}
    amaranth = importlib.metadata.version("amaranth")
    if request.config.getoption("--update-replay"):
        kept = {name: stored["designs"][name] for name in DESIGNS if name in stored["designs"]}
        designs = {name: (kept | now)[name] for name in DESIGNS if name in kept | now}
        STORE.write_text(json.dumps({"amaranth": amaranth, "designs": designs}, indent=1) + "\n")
        return
    moved = [name for name in present if stored["designs"].get(name) != now[name]]
    if moved and stored.get("amaranth") != amaranth:
        pytest.skip(
            f"Amaranth {amaranth} may write RTLIL differently: {STORE.name} was written with "
            f"{stored.get('amaranth')}"
        )
    assert not moved, (
        f"{len(moved)} of {len(present)} reference circuits moved: {'; '.join(moved)}. A refactor "
        "must not do that. If this change is meant to, run `pytest tests/journeys/test_replay.py "
        f"--update-replay` and say in the commit's message which moved and why. ({STORE})"
    )


COMPILE = """
import sys, hgq2rtl
design = hgq2rtl.compile(sys.argv[1], stages=3, valid=True)
print(design.rtl.rtlil_hash)
"""


def test_a_compile_does_not_depend_on_the_order_of_hashing(tmp_path):
    said = [
        subprocess.run(
            [sys.executable, "-c", COMPILE, DIGITS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "4711")
    ]
    assert said[0] == said[1] and len(said[0].strip()) == 64


def test_a_compile_does_not_depend_on_the_one_before():
    assert hash_of("digits") == hash_of("digits")
