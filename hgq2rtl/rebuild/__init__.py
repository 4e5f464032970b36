"""Sums that follow the schedule: late inputs join late where that saves a pipeline stage.

Takes a Program with linear combinations, a target and a clock; gives the Program of rows. The
sums are solved for themselves first, which is cheapest; then those in which inputs arrive at
different times are solved again, and the cheapest choice of both is kept that saves most stages.
"""

from .rebuild import solve_for_clock

__all__ = ["solve_for_clock"]
