"""The constant matrix-vector solver on trained and random blocks, against the peers' best graphs.

    python benchmarks/cmvm.py [--only NAME ...] [--slack 0 2] [--effort default]
                              [--signed-effort best] [--no-signed] [--no-growth] [--jobs 2]

Three tables, and ``benchmarks/results/cmvm.json``:

- rows: overlap bits of our graphs over the signed true cost of the peers' best of 33 settings of
  alkaid 0.8.2 and da4ml 0.6.0 (``reference.json``) at the same depth limit; geometric means over
  the trained blocks of more than one output and over the random ones;
- signed: the same solver under the signed cost, over the best graphs known;
- growth: dense square blocks of 4-bit weights at ``fast``, with the fitted exponent and memory.

Every graph is written as ``hgq2rtl cmvm --json`` writes it, proved equal to its matrix and priced
by the evaluator of this file, which shares nothing with the package. CPU seconds are those of the
process that solves the block, whatever its number of threads.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

HERE = Path(__file__).parent
BLOCKS = HERE.parent.parent / "shared/models/cmvm_blocks"
RANDOM = [(n, bits, 1) for n in (8, 16, 32) for bits in (4, 8)]
GROWTH = (32, 64, 128, 256)
GOALS = {2: {"trained": 0.61, "random": 0.70}, 0: {"trained": 0.62, "random": 0.72}}
"""By slack, for overlap bits alone; a hundredth more where carry positions have a price."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=Path, default=BLOCKS, help="folder of the two files")
    parser.add_argument(
        "--only", nargs="*", default=[], help="blocks whose name holds one of these"
    )
    parser.add_argument("--slack", nargs="*", type=int, default=[0, 2])
    parser.add_argument("--effort", default="default")
    parser.add_argument("--signed-effort", default="best")
    parser.add_argument("--carry-position", type=float, default=0.25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-rows", action="store_true")
    parser.add_argument("--no-signed", action="store_true")
    parser.add_argument("--no-growth", action="store_true")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    blocks = chosen_blocks(given.blocks, given.only)
    reference = {
        each["name"]: each for each in json.loads((given.blocks / "reference.json").read_text())
    }
    results: dict[str, object] = {"options": {k: str(v) for k, v in vars(given).items()}}
    cost = {"kind": "rows", "carry_position": given.carry_position}
    if not given.no_rows:
        solved = solve_each(blocks, given.slack, given.effort, cost, given.seed, given.jobs)
        results["rows"] = compare_rows(solved, reference, given.carry_position > 0)
    if not given.no_signed:
        cost = {"kind": "signed"}
        solved = solve_each(blocks, given.slack, given.signed_effort, cost, given.seed, given.jobs)
        results["signed"] = compare_signed(solved, reference)
    if not given.no_growth:
        results["growth"] = measure_growth()
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    (folder / "cmvm.json").write_text(json.dumps(results, indent=1) + "\n")


# -- blocks ------------------------------------------------------------------------


def chosen_blocks(folder: Path, only: list[str]) -> list[dict]:
    """The trained blocks and the random ones, as the file format has them."""
    blocks = json.loads((folder / "blocks.json").read_text())
    blocks += [random_block(*each) for each in RANDOM]
    return [b for b in blocks if not only or any(part in b["name"] for part in only)]


def random_block(n: int, bits: int, seed: int) -> dict:
    """Uniform weights, int8 inputs."""
    q = 2 ** (bits - 1) - 1
    weights = np.random.default_rng([n, bits, seed]).integers(-q, q + 1, (n, n))
    ends = {"lo": [-128] * n, "hi": [127] * n, "lsb": [0] * n}
    return {"name": f"rand_{n}x{n}_{bits}b_s{seed}", "K": weights.tolist(), **ends}


def is_random(name: str) -> bool:
    return name.startswith("rand_")


# -- solving -----------------------------------------------------------------------


def solve_each(
    blocks: list[dict], slacks: list[int], effort: str, cost: dict, seed: int, jobs: int
) -> list[dict]:
    """Every block at every slack, evaluated; processes side by side."""
    tasks = [
        (block, {"effort": effort, "depth_slack": slack, "seed": seed}, cost)
        for slack in slacks
        for block in blocks
    ]
    with fresh_processes(jobs, tasks_each=None) as pool:
        return list(pool.map(solve_one, *zip(*tasks, strict=True)))


def fresh_processes(jobs: int, tasks_each: int | None) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, context, max_tasks_per_child=tasks_each)


def solve_one(block: dict, options: dict, cost: dict) -> dict:
    """Figures of one block: ours as measured and as written, and those of the evaluator."""
    from hgq2rtl.cmvm.blocks import parse_blocks
    from hgq2rtl.cmvm.options import Cost, Options

    [problem] = parse_blocks(json.dumps([block]).encode(), "the benchmark")
    before = peak_mib()
    start = time.process_time()
    solved = problem.solve(Options(cost=Cost(**cost), **options))
    seconds = time.process_time() - start
    memory = peak_mib() - before
    found = {"name": block["name"], "n_out": len(block["K"][0]), "slack": options["depth_slack"]}
    found |= {"cpu_s": seconds, "memory_mib": memory}
    return found | evaluate(json.loads(json.dumps(solved.to_json())), block)._asdict()


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# -- the evaluator -----------------------------------------------------------------


class Figures(NamedTuple):
    adders: int
    depth: int
    row_bits: int
    carry_positions: int
    inverters: int
    signed_cost: int
    signed_depth: int


def evaluate(graph: dict, block: dict) -> Figures:
    """Prove the graph equal to the block's matrix, and price it by definition.

    Raises
    ------
    AssertionError
        If the graph is not the block's product.
    """
    forms, depths = forms_of(graph)
    offsets = offsets_of(graph)
    inputs = len(offsets)
    for (node, shift, sign), column in zip(
        graph["outputs"], np.array(block["K"], object).T, strict=True
    ):
        wanted = [weight << offset for weight, offset in zip(column, offsets, strict=True)]
        got = [0] * inputs if node == -1 else shifted(forms[node], shift, sign).tolist()
        assert got == wanted, f"{graph['name']} is not its matrix"
    ends = ends_of(graph)
    spans = [row_span(form, ends) for form in forms]
    signed_spans = [signed_span(form, ends) for form in forms]
    rows = signed = positions = inverters = 0
    for number, node in enumerate(graph["nodes"], inputs):
        row = row_cost(node, spans, spans[number])
        rows, positions, inverters = rows + row[0], positions + row[1], inverters + row[2]
        signed += signed_cost(node, signed_spans, signed_spans[number])
    read = {(node, sign) for node, _, sign in graph["outputs"] if node != -1}
    for node, sign in read:
        if sign < 0:  # minus a node is an adder of its own
            lsb, top, _ = signed_span(-forms[node], ends)
            signed += max(1, top - lsb)
    return Figures(
        adders=len(graph["nodes"]),
        depth=max((depths[node] for node, _ in read), default=0),
        row_bits=rows,
        carry_positions=positions,
        inverters=inverters,
        signed_cost=signed,
        signed_depth=max((depths[node] + (sign < 0) for node, sign in read), default=0),
    )


def offsets_of(graph: dict) -> list[int]:
    lowest = min(each["lsb"] for each in graph["inputs"])
    return [each["lsb"] - lowest for each in graph["inputs"]]


def forms_of(graph: dict) -> tuple[list[np.ndarray], list[int]]:
    """Coefficients over the integers x_i, in units of the lowest lsb; and levels."""
    offsets = offsets_of(graph)
    bounds = [1 << offset for offset in offsets]
    for a, shift_a, _, b, shift_b, _ in graph["nodes"]:
        bounds.append((bounds[a] << max(shift_a, 0)) + (bounds[b] << max(shift_b, 0)))
    kind = np.int64 if max(bounds) < 2**40 else object
    forms = list(np.diag(np.array([1 << offset for offset in offsets], kind)))
    depths = [0] * len(offsets)
    for a, shift_a, sign_a, b, shift_b, sign_b in graph["nodes"]:
        forms.append(shifted(forms[a], shift_a, sign_a) + shifted(forms[b], shift_b, sign_b))
        depths.append(1 + max(depths[a], depths[b]))
    return forms, depths


def shifted(form: np.ndarray, shift: int, sign: int) -> np.ndarray:
    assert sign in (1, -1)
    if shift < 0:
        assert not np.any(form & ((1 << -shift) - 1)), "a shift drops bits"
        return sign * (form >> -shift)
    return sign * (form << shift)


Ends = tuple[np.ndarray, np.ndarray]
"""The least and greatest integer of every input."""


def ends_of(graph: dict) -> Ends:
    lo, hi = ([each[key] for each in graph["inputs"]] for key in ("lo", "hi"))
    kind = np.int64 if all(abs(n) < 2**20 for n in lo + hi) else object
    return np.array(lo, kind), np.array(hi, kind)


def interval(form: np.ndarray, ends: Ends) -> tuple[int, int]:
    lo, hi = ends
    is_positive = form > 0
    return int(form @ np.where(is_positive, lo, hi)), int(form @ np.where(is_positive, hi, lo))


def lowest_bit(form: np.ndarray) -> int:
    together = int(np.bitwise_or.reduce(form))
    return (together & -together).bit_length() - 1


def row_span(form: np.ndarray, ends: Ends) -> tuple[int, int]:
    """Positions [lsb, top) of the unsigned number that stands for a node."""
    lo, hi = interval(form, ends)
    lsb = lowest_bit(form)
    return lsb, lsb + ((hi - lo) >> lsb).bit_length()


def signed_span(form: np.ndarray, ends: Ends) -> tuple[int, int, bool]:
    """Lowest bit, top and whether negative, of a node in two's complement."""
    lo, hi = interval(form, ends)
    return lowest_bit(form), max(hi, -lo - 1).bit_length() + (lo < 0), lo < 0


def row_cost(node: list[int], spans: list, result: tuple[int, int]) -> tuple[int, int, int]:
    """LUTs (overlap bits), carry positions without one, inverters."""
    a, shift_a, sign_a, b, shift_b, sign_b = node
    (la, ta), (lb, tb) = moved(spans[a], shift_a), moved(spans[b], shift_b)
    overlap = max(0, min(ta, tb) - max(la, lb))
    bare = max(0, result[1] - max(la, lb) - overlap) if overlap else 0
    return overlap, bare, min(ta - la, tb - lb) - overlap if sign_a != sign_b else 0


def moved(span: tuple[int, int], shift: int) -> tuple[int, int]:
    return span[0] + shift, span[1] + shift


def signed_cost(node: list[int], spans: list, result: tuple[int, int, bool]) -> int:
    """LUTs of a two's complement adder."""
    a, shift_a, sign_a, b, shift_b, sign_b = node
    assert sign_a > 0 or sign_b > 0
    terms = [(spans[a], shift_a, sign_a), (spans[b], shift_b, sign_b)]
    (low, at, sign), (high, up, high_sign) = sorted(terms, key=lambda t: t[0][0] + t[1])
    lowest, higher, top = low[0] + at, high[0] + up, result[1]
    if lowest == higher:
        return max(1, top - lowest)
    if sign < 0:  # the borrow runs through all bits
        return max(1, top - lowest)
    if not low[2] and low[1] + at <= higher and high_sign > 0:
        return 0  # a concatenation
    return max(1, top - higher)


# -- tables ------------------------------------------------------------------------


def compare_rows(solved: list[dict], reference: dict[str, dict], has_price: bool) -> dict:
    """Overlap bits over the peers' signed true cost."""
    head = ("block", "slack", "adders", "depth", "limit", "LUT", "carry", "INV")
    print(f"{head[0]:27}" + "".join(f"{h:>7}" for h in head[1:]) + "   peer  ratio  CPU s")
    for each in solved:
        check_depth(each, "depth", reference)
        peer = reference[each["name"]]["peers"].get(str(each["slack"]))
        each["peer"] = peer["cost"] if peer else None
        each["ratio"] = each["row_bits"] / peer["cost"] if peer else None
        keys = ("slack", "adders", "depth", "limit", "row_bits", "carry_positions", "inverters")
        print(f"{each['name']:27}" + "".join(f"{each[key]:7}" for key in keys), end="")
        print(f"{each['peer'] or '-':>7}  {each['ratio'] or math.nan:.3f} {each['cpu_s']:6.2f}")
    found = {"blocks": solved}
    for slack, name, group in groups(solved):
        goal = GOALS.get(slack, {}).get(name, math.nan) + 0.01 * has_price
        summary = summed(group, "row_bits", "peer") | {"goal": goal}
        found[f"{name}, slack {slack}"] = summary
        print_summary(f"{name}, slack {slack}", summary, "peer", f"goal {goal:.2f}")
    return found


def compare_signed(solved: list[dict], reference: dict[str, dict]) -> dict:
    """Signed true cost over the best known."""
    print(f"\n{'block':27}  slack adders  depth  limit   cost  known  ratio  CPU s")
    for each in solved:
        check_depth(each, "signed_depth", reference)
        known = reference[each["name"]]["best_known"].get(str(each["slack"]))
        each["known"] = known["cost"] if known else None
        each["ratio"] = each["signed_cost"] / known["cost"] if known else None
        keys = ("slack", "adders", "signed_depth", "limit", "signed_cost")
        print(f"{each['name']:27}" + "".join(f"{each[key]:7}" for key in keys), end="")
        print(f"{each['known'] or '-':>7}  {each['ratio'] or math.nan:.3f} {each['cpu_s']:6.2f}")
    found = {"blocks": solved}
    for slack, name, group in groups(solved):
        summary = summed(group, "signed_cost", "known") | {"goal": 1.02}
        found[f"{name}, slack {slack}"] = summary
        print_summary(f"{name}, slack {slack}", summary, "best known", "goal 1.02")
    return found


def check_depth(each: dict, key: str, reference: dict[str, dict]) -> None:
    each["limit"] = reference[each["name"]]["min_depth"] + each["slack"]
    assert each[key] <= each["limit"], f"{each['name']} is deeper than its limit"


def groups(solved: list[dict]) -> list[tuple[int, str, list[dict]]]:
    """By slack: trained blocks of more than one output, and random blocks."""
    found = []
    for slack in dict.fromkeys(each["slack"] for each in solved):
        known = [e for e in solved if e["slack"] == slack and e["ratio"] is not None]
        trained = [e for e in known if not is_random(e["name"]) and e["n_out"] > 1]
        found.append((slack, "trained", trained))
        found.append((slack, "random", [e for e in known if is_random(e["name"])]))
    return [(slack, name, group) for slack, name, group in found if group]


def summed(group: list[dict], ours: str, theirs: str) -> dict:
    ratios = [each["ratio"] for each in group]
    return {
        "blocks": len(group),
        "geometric_mean": math.exp(sum(map(math.log, ratios)) / len(ratios)),
        "of_sums": sum(each[ours] for each in group) / sum(each[theirs] for each in group),
        "worst": max(ratios),
        "cpu_s": sum(each["cpu_s"] for each in group) / len(group),
    }


def print_summary(title: str, summary: dict, other: str, goal: str) -> None:
    print(
        f"  {title:18} {summary['blocks']:2} blocks: {summary['geometric_mean']:.3f} of the "
        f"{other} ({goal}), of sums {summary['of_sums']:.3f}, worst {summary['worst']:.3f}, "
        f"{summary['cpu_s']:.2f} CPU s a block"
    )


# -- growth ------------------------------------------------------------------------


def measure_growth() -> dict:
    """Dense square blocks of 4-bit weights at ``fast``, one process each."""
    options, cost = {"effort": "fast", "depth_slack": 2}, {"kind": "rows"}
    print(f"\n{'N':>5} {'CPU s':>8} {'MiB':>7} {'adders':>8} {'LUT':>8}   (fast, slack 2)")
    found = []
    for n in GROWTH:
        with fresh_processes(1, tasks_each=1) as pool:
            each = pool.submit(solve_one, random_block(n, 4, 0), options, cost).result()
        print(
            f"{n:5} {each['cpu_s']:8.2f} {each['memory_mib']:7.0f} {each['adders']:8} "
            f"{each['row_bits']:8}"
        )
        found.append({"n": n, **each})
    seconds = [max(each["cpu_s"], 1e-3) for each in found]
    exponent = float(np.polyfit(np.log(GROWTH), np.log(seconds), 1)[0])
    print(f"  CPU seconds grow as N^{exponent:.2f}")
    return {"blocks": found, "exponent": exponent}


if __name__ == "__main__":
    main()
