"""Nets of UltraScale+ that grow with the design, fitted to published post-route periods.

Thirteen JEDI-linear networks on xcvu13p-2, routed by Vivado (arXiv 2508.15468 and the summaries
published with it). All were cut into stages at the same limit of their tool's own units, which
two additions and a relu fill; so one stage of constant logic stands for the worst of each, and
what the period grows by, from 2.6 to 4.9 ns, is nets.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hgq2rtl.analyses.delay import Cells
from hgq2rtl.targets import Target, target_for

PART = "xcvu13p-flga2577-2-e"
PUBLISHED = {  # LUTs, ns
    "8-3": (35684, 2.594),
    "16-16": (37675, 2.620),
    "16-3": (43809, 2.822),
    "32-3": (45299, 3.325),
    "8-16": (51670, 2.781),
    "32-16": (61904, 2.876),
    "64-3": (70704, 3.045),
    "64-16": (84326, 3.051),
    "128-16": (92580, 3.500),
    "128-3": (97822, 3.882),
    "64-16 perm-inv": (192063, 3.730),
    "128-16 perm-inv": (242979, 4.212),
    "128-3 perm-inv": (295715, 4.923),
}
SUM_BITS, LOADS = 12, 4
"""Of the stage that stands for all: sums of so many bits, each value with so many readers."""
POWERS = np.arange(0.1, 1.2, 0.01)


def stage_ns(target: Target, luts: int) -> float:
    """Register, sum, sum, relu, register."""
    cells, delay = Cells(target, luts), target.delay_ns
    logic = 2 * cells.carry_chain(SUM_BITS) + cells.mask
    nets = 3 * float(cells.nets(np.array(LOADS)))
    return delay["clock_to_out"] + logic + nets + delay["setup"]


def fitted(target: Target) -> Target:
    """The target with the growth of nets that fits the periods best, in per cent."""
    luts, periods = (np.array(column) for column in zip(*PUBLISHED.values(), strict=True))
    fixed = stage_ns(with_growth(target, 0.0, 1.0), 0)
    found = [(*_growth(luts, periods, fixed, power), power) for power in POWERS.tolist()]
    _, growth, power = min(found)
    return with_growth(target, growth, power)


def _growth(
    luts: np.ndarray, periods: np.ndarray, fixed: float, power: float
) -> tuple[float, float]:
    """Sum of squared relative residuals and the growth, linear for one power."""
    slope = 3 * (luts / 1000) ** power / periods
    wanted = (periods - fixed) / periods
    (growth,), *_ = np.linalg.lstsq(slope[:, None], wanted, rcond=None)
    return float(((slope * growth - wanted) ** 2).sum()), float(growth)


def with_growth(target: Target, growth: float, power: float) -> Target:
    return replace(target, delay_ns={**target.delay_ns, "growth": growth}, growth_power=power)


def run() -> dict[str, Any]:
    """Print the table, and give it as data."""
    target = target_for(PART)
    best = fitted(target)
    print(f"nets of {PART}: two sums of {SUM_BITS} bits and a relu, {LOADS} loads a net")
    print(f"{'model':>16} {'LUTs':>7} {'period':>7} {'fit':>6} {'%':>6} {'file':>6} {'%':>6}")
    rows = []
    for name, (luts, period) in PUBLISHED.items():
        fit, stored = stage_ns(best, luts), stage_ns(target, luts)
        off, stored_off = 100 * (fit / period - 1), 100 * (stored / period - 1)
        rows.append({"model": name, "luts": luts, "period_ns": period, "fit_ns": round(fit, 3)})
        rows[-1] |= {"file_ns": round(stored, 3), "file_residual_percent": round(stored_off, 1)}
        print(f"{name:>16} {luts:>7} {period:>7.3f} {fit:>6.3f} {off:>6.1f}", end=" ")
        print(f"{stored:>6.3f} {stored_off:>6.1f}")
    residuals = np.array([row["file_residual_percent"] for row in rows])
    rms, worst = float(np.sqrt((residuals**2).mean())), float(abs(residuals).max())
    growth, power = best.delay_ns["growth"], best.growth_power
    print(f"fit: growth {growth:.4f} ns at 1,000 LUTs, power {power:.2f}; ", end="")
    print(f"file: {target.delay_ns['growth']} and {target.growth_power}, ", end="")
    print(f"residual {rms:.1f} % rms, {worst:.1f} % at most\n")
    return {
        "growth_ns": round(growth, 4),
        "growth_power": round(power, 2),
        "rms_percent": round(rms, 1),
        "worst_percent": round(worst, 1),
        "rows": rows,
    }
