"""A cocotb 2 bench for a core that hgq2rtl compiled: read it, run it, extend it.

Drives a new sample in every clock cycle, and checks the latency and every bit
of every output; then, where the core has them, enable, valid and reset.

Needs ports.json (in the folder above, or where ``HGQ2RTL_PORTS`` points) and
two vector files beside this one: ``inputs.bin`` and ``expected.bin`` hold
little-endian 32-bit words, sample by sample, and in a sample port by port in
the order of ports.json, each port in as many words as its width needs.
`run.py` builds and runs it; nothing but cocotb and a simulator is needed.
"""

import json
import os
import random
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer
from ports import WORD_BITS, Port, difference, latency_message, load_ports, other_latency

FOLDER = Path(__file__).resolve().parent
PORTS = load_ports(os.environ.get("HGQ2RTL_PORTS", FOLDER.parent / "ports.json"))
LATENCY = PORTS.latency_cycles
STALLED_SAMPLES = 300


def read_vectors(path: Path, ports: Sequence[Port]) -> list[tuple[int, ...]]:
    """A vector file as a list of samples, each a tuple with one integer per port."""
    content = path.read_bytes()
    widths = [port.words * WORD_BITS // 8 for port in ports]
    samples = []
    at = 0
    while at < len(content):
        sample = []
        for width in widths:
            sample.append(int.from_bytes(content[at : at + width], "little"))
            at += width
        samples.append(tuple(sample))
    return samples


INPUTS = read_vectors(FOLDER / "inputs.bin", PORTS.inputs)
EXPECTED = read_vectors(FOLDER / "expected.bin", PORTS.outputs)


class Core:
    """The pins of the core, by what they are."""

    def __init__(self, dut: Any) -> None:
        def pin(name: str | None) -> Any:
            return None if name is None else dut[name]

        self.clock = pin(PORTS.clock)
        self.reset = pin(PORTS.reset)
        self.enable = pin(PORTS.enable)
        self.valid_in = pin(PORTS.valid_in)
        self.valid_out = pin(PORTS.valid_out)
        self.inputs = [pin(port.port) for port in PORTS.inputs]
        self.outputs = [pin(port.port) for port in PORTS.outputs]

    def drive(self, sample: Sequence[int]) -> None:
        for pin, value in zip(self.inputs, sample, strict=True):
            pin.value = value

    def control(self, *, enable: int = 1, valid: int = 0, reset: int = 0) -> None:
        for pin, value in ((self.enable, enable), (self.valid_in, valid), (self.reset, reset)):
            if pin is not None:
                pin.value = value

    def observe(self) -> tuple[int | str, ...]:
        return tuple(number(pin) for pin in self.outputs)

    async def cycle(self) -> None:
        """Past the next rising edge, to the falling one: there pins are read and driven."""
        await FallingEdge(self.clock)

    async def start(self) -> None:
        """Clock on, reset if there is one, and empty the pipeline; valid_out must stay 0."""
        self.clock.value = 0
        self.drive(INPUTS[0])
        self.control(reset=1)
        await Timer(1, "ns")
        Clock(self.clock, 10, "ns").start(start_high=False)
        await self.cycle()
        self.control()
        for cycle in range(LATENCY + 2):
            self.check_valid(0, f"in cycle {cycle}, before the first sample")
            await self.cycle()

    def check_valid(self, right: int, where: str) -> None:
        if self.valid_out is not None and number(self.valid_out) != right:
            fail(f"{PORTS.top}: valid_out is {number(self.valid_out)} {where}, must be {right}.")


def number(pin: Any) -> int | str:
    """A pin's bits as an integer; as text where some are unknown."""
    value = pin.value
    try:
        return int(value)
    except ValueError:
        return str(value)


@cocotb.test(skip=PORTS.clock is not None)
async def combinational(dut: Any) -> None:
    """The outputs follow the inputs, without a clock."""
    core = Core(dut)
    seen = []
    for sample in INPUTS:
        core.drive(sample)
        await Timer(1, "ns")
        seen.append(core.observe())
    compare(seen)


@cocotb.test(skip=PORTS.clock is None)
async def a_sample_in_every_cycle(dut: Any) -> None:
    """Results come in every cycle, exactly `LATENCY` cycles after their samples."""
    core = Core(dut)
    await core.start()
    due = max(LATENCY, 1)  # a result without a register is read just before the next sample
    seen: list[tuple[int | str, ...]] = []
    valid: list[int | str] = []
    for cycle in range(len(INPUTS) + due):
        if cycle < len(INPUTS):
            core.drive(INPUTS[cycle])
        core.control(valid=int(cycle < len(INPUTS)))
        await core.cycle()
        seen.append(core.observe())
        if core.valid_out is not None:
            valid.append(number(core.valid_out))
    if core.valid_out is not None:
        patience = 4 * LATENCY + 64
        while 1 not in valid and len(valid) < len(INPUTS) + patience:
            await core.cycle()
            valid.append(number(core.valid_out))
        check_valid_pipeline(valid, due)
    compare(seen[due - 1 : due - 1 + len(INPUTS)])


def check_valid_pipeline(valid: Sequence[int | str], due: int) -> None:
    """`valid` [c] was seen after ``c + 1`` edges; it is 1 for the samples and 0 elsewhere."""
    risen = valid.index(1) + 1 if 1 in valid else None
    if risen != due:
        fail(latency_message(PORTS.top, risen, LATENCY))
    for cycle, is_valid in enumerate(valid, start=1):
        right = int(due <= cycle < len(INPUTS) + due)
        if is_valid != right:
            fail(f"{PORTS.top}: valid_out is {is_valid} in cycle {cycle}, must be {right}.")


@cocotb.test(skip=LATENCY == 0 or (PORTS.enable is None and PORTS.valid_in is None))
async def random_pauses(dut: Any) -> None:
    """Results advance on enabled cycles only, and bubbles travel along.

    Where a cycle brings no sample, the data inputs carry some other one, which
    must leave no trace.
    """
    core = Core(dut)
    await core.start()
    dice = random.Random(1)
    samples = min(len(INPUTS), STALLED_SAMPLES)
    pipeline: deque[int | None] = deque([None] * LATENCY, maxlen=LATENCY)
    following = arrived = 0
    while arrived < samples:
        is_enabled = core.enable is None or dice.random() < 0.5
        is_offered = following < samples and (core.valid_in is None or dice.random() < 0.5)
        is_taken = is_enabled and is_offered
        core.drive(INPUTS[following if is_taken else dice.randrange(len(INPUTS))])
        core.control(enable=int(is_enabled), valid=int(is_offered))
        await core.cycle()
        if is_enabled:
            pipeline.appendleft(following if is_taken else None)
            following += is_taken
            arrived += pipeline[-1] is not None
        sample = pipeline[-1]
        core.check_valid(int(sample is not None), f"near sample {following}, with random pauses")
        if sample is not None and (seen := core.observe()) != EXPECTED[sample]:
            fail(f"{PORTS.top}: with random pauses, {first_difference(sample, seen)}.")
    passed(samples)


@cocotb.test(skip=PORTS.reset is None or PORTS.valid_out is None)
async def reset_empties_the_valid_pipeline(dut: Any) -> None:
    """Samples that are under way at a reset never count as valid."""
    core = Core(dut)
    await core.start()
    core.control(valid=1)
    for _ in range(LATENCY + 1):
        await core.cycle()
    core.check_valid(1, f"after {LATENCY + 1} valid samples")
    core.control(reset=1)
    await core.cycle()
    core.control()
    for cycle in range(LATENCY + 2):
        core.check_valid(0, f"in cycle {cycle} after a reset")
        await core.cycle()
    passed(LATENCY + 1)


def compare(seen: Sequence[tuple[int | str, ...]]) -> None:
    """Every bit of every sample; say so if all would be right at another latency."""
    if seen != EXPECTED:
        measured = None
        if PORTS.clock is not None and seen[:256] != EXPECTED[:256]:
            measured = other_latency(seen[:256], EXPECTED[:256], LATENCY)
        if measured is not None:
            fail(latency_message(PORTS.top, measured, LATENCY))
        wrong = [n for n, sample in enumerate(seen) if sample != EXPECTED[n]]
        fail(
            f"{PORTS.top}: {len(wrong)} of {len(seen)} samples differ, "
            f"first {first_difference(wrong[0], seen[wrong[0]])}."
        )
    passed(len(seen))


def first_difference(sample: int, seen: Sequence[int | str]) -> str:
    for port, want, have in zip(PORTS.outputs, EXPECTED[sample], seen, strict=True):
        if want == have:
            continue
        if isinstance(have, str):
            return f"sample {sample}: {port.port} has unknown bits: {have}"
        return f"sample {sample}: {difference(port, want, have)}"
    raise AssertionError("both are equal")


def passed(samples: int) -> None:
    record({"passed": True, "samples": samples})


def fail(message: str) -> NoReturn:
    record({"passed": False, "message": message})
    raise AssertionError(message)


def record(outcome: dict[str, Any]) -> None:
    """For run.py: one JSON line per test."""
    if "HGQ2RTL_RESULT" in os.environ:
        with open(os.environ["HGQ2RTL_RESULT"], "a", encoding="utf-8") as file:
            file.write(json.dumps(outcome) + "\n")
