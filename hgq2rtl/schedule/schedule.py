"""The Schedule: the pipeline stage of every value, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..analyses.wiring import Wiring, wiring
from ..ir import Program
from ..ir.operations import input_, mask, output


@dataclass(frozen=True, eq=False, repr=False)
class Schedule:
    """Stage and arrival time of every value.

    A stage is a combinational block between registers. Stage 0 reads the
    input ports (through a register, if there is an input register); the last
    stage drives the outputs. Constants belong to no stage. A wire (a slice, a
    concatenation) has no registers: in a later stage it is wired from its
    operands there.
    """

    program: Program
    stage: np.ndarray
    """int32 (n,): of a ROM the stage that gives its address."""
    arrival_ns: np.ndarray
    """float64 (n,): when the value settles, from the clock edge that starts its stage."""
    stages: int
    clock_ns: float | None
    """None: combinational."""
    setup_ns: float
    has_input_register: bool
    has_output_register: bool
    uncertainty_ns: float = 0.0
    is_rom: np.ndarray | None = None
    """bool (n,): tables with a register inside; None: there are none."""
    most_control_sets: int | None = None
    bound: float | None = None
    """No schedule of these stages and this clock has fewer register bits and mask bits in LUTs
    together; None: not known."""
    cost: float | None = None
    """These of this schedule."""

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

    @property
    def gap(self) -> float | None:
        """How far above the bound the cost is, as a part of it; 0 is the optimum."""
        if self.bound is None or self.cost is None:
            return None
        return max(0.0, self.cost - self.bound - 1e-6) / max(self.bound, 1.0)

    # -- time ----------------------------------------------------------------

    @cached_property
    def stage_ns(self) -> list[float]:
        """Longest path of each stage, set-up included."""
        longest = np.zeros(max(self.stages, 1))
        np.maximum.at(longest, self.stage, self.arrival_ns)
        return (longest + self.setup_ns).tolist()

    @property
    def slack_ns(self) -> list[float]:
        """What each stage leaves of the clock, its uncertainty taken off; none without a clock."""
        if self.clock_ns is None:
            return []
        period = self.clock_ns - self.uncertainty_ns
        return [period - longest for longest in self.stage_ns]

    # -- registers -----------------------------------------------------------

    @cached_property
    def wiring(self) -> Wiring:
        """Where each bit comes from."""
        return wiring(self.program)

    @cached_property
    def is_constant(self) -> np.ndarray:
        """bool (n,)."""
        is_constant = self.program.lo == self.program.hi
        for v in self.program.big:
            lo, hi = self.program.interval(v)
            is_constant[v] = lo == hi
        return is_constant

    @cached_property
    def is_wire(self) -> np.ndarray:
        """bool (n,): values without registers of their own."""
        return self.wiring.is_wire | self.is_constant

    @cached_property
    def last_stage(self) -> np.ndarray:
        """int32 (n,): the latest stage in which each value is there; its own if none reads it."""
        last = self.stage.tolist()
        is_wire = (self.is_wire & (self.program.operation != output.code)).tolist()
        stage, operands = self.stage.tolist(), self.program.rows.operands
        for v in range(len(last) - 1, -1, -1):
            until = last[v] if is_wire[v] else stage[v]
            for o in operands[v]:
                last[o] = max(last[o], until)
        return np.array(last, np.int32)

    @cached_property
    def registers(self) -> np.ndarray:
        """int64 (n,): how many register copies delay each value between stages."""
        waits = (self.last_stage - self.stage).astype(np.int64)
        return np.where(self.is_wire, 0, waits)

    @cached_property
    def resets(self) -> np.ndarray:
        """bool (n,): masks that are the synchronous reset of the register behind them.

        Those that only later stages read; if control sets are bounded, those of the most bits.
        """
        found = (self.program.operation == mask.code) & ~self.is_constant
        found &= self.registers > 0
        bits, stage = self._reads
        owner = self.wiring.value_of(bits)
        found[owner[stage == self.stage[owner]]] = False
        if self.most_control_sets is not None:
            found &= np.isin(np.arange(len(found)), self._widest_resets(found))
        return found

    def _widest_resets(self, found: np.ndarray) -> list[int]:
        """Masks of the control sets that reset most bits."""
        widths = self.program.widths()
        masks: dict[tuple[int, int, int], list[int]] = {}
        for v in np.flatnonzero(found).tolist():
            masks.setdefault(self._control_set(v), []).append(v)
        ordered = sorted(masks.values(), key=lambda members: -int(widths[members].sum()))
        return [v for members in ordered[: self.most_control_sets] for v in members]

    def _control_set(self, v: int) -> tuple[int, int, int]:
        """Which signal resets the register behind mask `v`: bit, polarity, stage."""
        bit = self.program.operands_of(v)[1]
        source = self.wiring.bits[bit][0]
        return source, self.program[v].attributes["when"], int(self.stage[v])

    @cached_property
    def control_sets(self) -> int:
        """Different resets of registers."""
        return len({self._control_set(v) for v in np.flatnonzero(self.resets).tolist()})

    @cached_property
    def register_bits_of(self) -> np.ndarray:
        """int64 (n,): register bits by value, output registers included.

        A bit is counted at the value that makes it, once for each boundary that it crosses.
        """
        program = self.program
        bits = np.zeros(len(program), np.int64)
        if self.is_combinational:
            return bits
        made, begin, end = self.lives
        np.add.at(bits, self.wiring.value_of(made), end - begin)
        if self.has_output_register:
            bits[program.values_of(output)] += self._output_bits()
        return bits

    def _output_bits(self) -> np.ndarray:
        """int64, by output value: bits of its register; constants need none."""
        read = [len(self.wiring.reads[v]) for v in self.program.values_of(output).tolist()]
        return np.array(read, np.int64)

    @property
    def input_register_bits(self) -> int:
        """Bits of the registers behind the input ports: those that are read."""
        if self.is_combinational or not self.has_input_register:
            return 0
        made, _, _ = self.lives
        is_input = self.program.operation == input_.code
        return int(is_input[self.wiring.value_of(made)].sum())

    @property
    def inner_register_bits(self) -> int:
        """Register bits between stages: all but those of the ports."""
        outputs = int(self._output_bits().sum()) if self.has_output_register else 0
        return int(self.register_bits_of.sum()) - (0 if self.is_combinational else outputs)

    @property
    def register_bits(self) -> int:
        """All register bits, without the valid pipeline."""
        return int(self.register_bits_of.sum()) + self.input_register_bits

    @cached_property
    def stage_register_bits(self) -> list[int]:
        """Bits that cross from each stage to the next, ports left out."""
        _, begin, end = self.lives
        crossing = np.bincount(begin, minlength=self.stages) - np.bincount(
            end, minlength=self.stages
        )
        return np.cumsum(crossing)[: self.stages - 1].tolist()

    @cached_property
    def _reads(self) -> tuple[np.ndarray, np.ndarray]:
        """Source bits that logic reads, and in which stage: one entry a reader."""
        reads = self.wiring.reads
        bits = np.array([bit for each in reads for bit in each], np.int64)
        return bits, np.repeat(self.stage.astype(np.int64), [len(each) for each in reads])

    @cached_property
    def lives(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Source bits that are read, the stage that each is made in, and its last."""
        bits, stage = self._reads
        last = np.full(int(self.wiring.first_bit[-1]), -1, np.int64)
        np.maximum.at(last, bits, stage)
        made = np.flatnonzero(last >= 0)
        owner = self.wiring.value_of(made)
        begin = self.stage[owner].astype(np.int64)
        if self.is_rom is not None:
            begin += self.is_rom[owner]  # its first register is inside of it
        return made, begin, np.maximum(last[made], begin)
