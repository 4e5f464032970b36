"""The Schedule: the pipeline stage of every value, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..ir import Program
from ..ir.operations import output


@dataclass(frozen=True)
class ScheduleWish:
    """What the user asks for: a clock, or a number of stages, or no registers at all."""

    clock_ns: float | None = None
    stages: int | None = None
    is_combinational: bool = False
    has_input_register: bool = True
    has_output_register: bool = True


@dataclass(frozen=True, eq=False, repr=False)
class Schedule:
    """Stage and arrival time of every value.

    A stage is a combinational block between registers. Stage 0 reads the
    input ports (through a register, if there is an input register); the last
    stage drives the outputs. Constants belong to no stage.
    """

    program: Program
    stage: np.ndarray
    """int32 (n,)."""
    arrival_ns: np.ndarray
    """float64 (n,): when the value settles, from the clock edge that starts its stage."""
    stages: int
    clock_ns: float | None
    """None: combinational."""
    setup_ns: float
    has_input_register: bool
    has_output_register: bool

    def __repr__(self) -> str:
        return f"<Schedule of {len(self.stage)} values in {self.stages} stages>"

    @property
    def is_combinational(self) -> bool:
        return self.clock_ns is None

    @property
    def latency_cycles(self) -> int:
        """Registers on the path from port to port."""
        if self.is_combinational:
            return 0
        return self.stages - 1 + self.has_input_register + self.has_output_register

    @property
    def latency_ns(self) -> float:
        if self.clock_ns is None:
            return float(self.arrival_ns.max(initial=0.0))
        return self.latency_cycles * self.clock_ns

    @cached_property
    def stage_ns(self) -> list[float]:
        """Longest path of each stage, set-up included."""
        longest = np.zeros(max(self.stages, 1))
        np.maximum.at(longest, self.stage, self.arrival_ns)
        return (longest + self.setup_ns).tolist()

    @cached_property
    def last_stage(self) -> np.ndarray:
        """int32 (n,): the latest stage that reads each value; its own if none does."""
        program = self.program
        readers = np.repeat(np.arange(len(program)), np.diff(program.start))
        last = self.stage.copy()
        np.maximum.at(last, program.operand, self.stage[readers])
        return last

    @cached_property
    def registers(self) -> np.ndarray:
        """int64 (n,): how many register copies delay each value between stages."""
        is_constant = self.program.lo == self.program.hi
        for v in self.program.big:
            lo, hi = self.program.interval(v)
            is_constant[v] = lo == hi
        return np.where(is_constant, 0, self.last_stage - self.stage).astype(np.int64)

    @cached_property
    def register_bits_of(self) -> np.ndarray:
        """int64 (n,): register bits by value, input and output registers included."""
        widths = self.program.widths()
        bits = self.registers * widths
        if not self.is_combinational and self.has_output_register:
            bits[self.program.values_of(output)] += self._port_widths()
        return bits

    def _port_widths(self) -> np.ndarray:
        given = (self.program[v].attributes for v in self.program.values_of(output).tolist())
        ports = self.program.outputs
        widths = [ports[each["port"]].fields[each["field"]].format.width for each in given]
        return np.array(widths, np.int64)

    @property
    def register_bits(self) -> int:
        """All register bits, without the valid pipeline."""
        inputs = 0
        if not self.is_combinational and self.has_input_register:
            inputs = sum(f.format.width for port in self.program.inputs for f in port.fields)
        return int(self.register_bits_of.sum()) + inputs
