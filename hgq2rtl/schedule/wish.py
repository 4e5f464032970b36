"""What the user asks a pipeline for."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import BadOption

DEFAULT_CLOCK_NS = 5.0
MOST_STAGES = 10_000
MOST_NS = 1e6


@dataclass(frozen=True)
class ScheduleWish:
    """A clock, a number of stages, both, a latency, or no registers at all."""

    clock_ns: float | None = None
    """The period; 5 ns without any wish."""
    stages: int | None = None
    """Exactly so many; with a clock at that clock, else at the fastest that they allow."""
    latency_ns: float | None = None
    """From port to port at most; without a clock at the fastest clock that keeps it."""
    is_combinational: bool = False
    has_input_register: bool = True
    has_output_register: bool = True
    uncertainty_ns: float = 0.0
    """Of the clock edge: what each stage must leave free beside its set-up."""
    most_control_sets: int | None = None
    """Resets by a sign, at most; None: wherever a register stands right behind a mask."""

    def check(self) -> None:
        """Refuse wishes that contradict each other.

        Raises
        ------
        BadOption
            Saying what may be given.
        """
        numbers = (self.clock_ns, self.stages, self.latency_ns)
        if self.is_combinational and any(number is not None for number in numbers):
            raise BadOption(
                "a combinational core has no clock and no stages: give combinational alone"
            )
        if self.latency_ns is not None and self.stages is not None:
            raise BadOption("give a latency or a number of stages, not both")
        _check_time("clock", self.clock_ns)
        _check_time("latency", self.latency_ns)
        if self.stages is not None and not 1 <= self.stages <= MOST_STAGES:
            raise BadOption(f"{self.stages} stages: give 1 to {MOST_STAGES}")
        if not 0 <= self.uncertainty_ns < MOST_NS:
            raise BadOption(
                f"an uncertainty of {self.uncertainty_ns} ns: give a number of ns from 0 on"
            )
        if self.most_control_sets is not None and self.most_control_sets < 0:
            raise BadOption(f"{self.most_control_sets} control sets: give a number from 0 on")


def _check_time(what: str, ns: float | None) -> None:
    if ns is not None and not 0 < ns < MOST_NS:
        raise BadOption(f"a {what} of {ns} ns is no {what}: give a number of ns above 0")
