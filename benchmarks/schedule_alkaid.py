"""alkaid's pipelines of one model, for ``schedule.py``: a process of its own.

    python benchmarks/schedule_alkaid.py MODEL.keras FOLDER [PORTS.json] [--no-verilog]

Writes ``FOLDER/{binary,ternary}_{2,5}`` with the Verilog, and ``FOLDER/pipelines.json.gz``: what
each operation of each stage is, in alkaid's own fields (see its docs/alir.md), so that
``schedule_rebuild.py`` can build the same circuit in our operations. With ``ports.json`` of our
core alkaid's inputs have the formats of that core.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
from sums_alkaid import FORMS, SAMPLES, digest, random_inputs, traced

CUTOFFS = (2, 5)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("ports", type=Path, nargs="?")
    parser.add_argument("--no-verilog", action="store_true")
    given = parser.parse_args()
    loaded, logic = traced(given.model, given.ports)
    x = random_inputs([each.shape[1:] for each in loaded.inputs], given.ports)
    flat = np.concatenate([each.reshape(SAMPLES, -1) for each in x], axis=1)
    made = {
        "outputs": digest(logic.predict(flat)),
        "shapes": [list(each.shape[1:]) for each in loaded.inputs],
        "input_bits": int(np.sum(logic.inp_kifs)),
        "output_bits": int(np.sum(logic.out_kifs)),
        "pipelines": {
            f"{form}_{cutoff}": pipeline(logic, given.folder, form, cutoff, not given.no_verilog)
            for form in FORMS
            for cutoff in CUTOFFS
        },
    }
    aside = given.folder / "pipelines.aside"
    with gzip.open(aside, "wt", compresslevel=5) as file:
        json.dump(made, file)
    aside.replace(given.folder / "pipelines.json.gz")  # never half a file in a cache


def pipeline(logic: Any, folder: Path, form: str, cutoff: int, has_verilog: bool) -> dict[str, Any]:
    """Cut `logic`, write its core, and tell what each stage does."""
    from alkaid.codegen import RTLModel

    rtl = RTLModel(
        logic,
        folder / f"{form}_{cutoff}",
        "peer",
        latency_cutoff=cutoff,
        print_latency=False,
        ternary_fuse=form == "ternary",
    )
    if has_verilog:
        rtl.write()
    names = [f"logic{n}" for n in range(len(rtl.fsm.logic))]
    made = [stage(rtl.fsm.logic[name]) for name in names]
    return {"latency": int(rtl.latency), "register_bits": int(rtl.reg_bits), "stages": made}


def stage(logic: Any) -> dict[str, Any]:
    return {
        "ops": [
            [o.opcode, list(map(int, o.addr)), list(map(int, o.data)), *floats(o)]
            for o in logic.ops
        ],
        "outputs": list(map(int, logic.out_idxs)),
        "shifts": list(map(int, logic.out_shifts)),
        "negations": list(map(bool, logic.out_negs)),
        "tables": [table_of(table) for table in logic.lookup_tables or ()],
    }


def floats(op: Any) -> list[float]:
    """Least and largest value, step, latency."""
    return list(map(float, (*op.qint, op.latency)))


def table_of(table: Any) -> list[float]:
    """Contents by rising address."""
    return [float(each) for each in np.ravel(table.float_table)]


if __name__ == "__main__":
    main()
