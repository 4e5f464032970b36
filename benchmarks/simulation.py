"""How fast is the C++ bench, against the plainest Verilator harness on the same Verilog?

    python benchmarks/simulation.py [--rtl FILE... --ports FILE] [--json FILE]

By default the design is made here: 5,000 two-operand adders in 10 stages (40%
of them subtract, one operand shifted by up to 3, a relu or slice and a few
tables before each register), 100 inputs of 20 bits, 8 outputs of 19. Both
programs are built with the same flags and run in turns; the ratio is the
median over the rounds. The bare harness reads no file, checks nothing, and
serves one design only.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hgq2rtl.sim import build, load_ports, tools
from hgq2rtl.sim import verilator as bench_module
from hgq2rtl.sim.ports import Ports

INPUTS, INPUT_BITS = 100, 20
OUTPUTS, OUTPUT_BITS = 8, 19
WIDEST_SUM = 20

BARE_HARNESS = """\
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>
#include "Vdesign.h"
#include "verilated.h"
int main(int, char** arguments) {
  std::vector<std::uint32_t> in(std::strtoul(arguments[2], nullptr, 10) * IN_WORDS);
  std::FILE* file = std::fopen(arguments[1], "rb");
  if (std::fread(in.data(), 4, in.size(), file) != in.size()) return 1;
  const std::size_t samples = in.size() / IN_WORDS;
  const int repeats = std::atoi(arguments[3]);
  std::vector<std::uint32_t> out(samples * OUT_WORDS);
  VerilatedContext context;
  Vdesign top(&context);
  SETUP
  const auto start = std::chrono::steady_clock::now();
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (std::size_t cycle = 0; cycle < samples + LATENCY; ++cycle) {
      if (cycle < samples) {
        const std::uint32_t* w = &in[cycle * IN_WORDS];
        DRIVE
      }
      CLOCK_LOW
      top.eval();
      if (cycle >= LATENCY) {
        std::uint32_t* w = &out[(cycle - LATENCY) * OUT_WORDS];
        READ
      }
      CLOCK_HIGH
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::uint64_t checksum = 0;
  for (std::uint32_t word : out) checksum = checksum * 31 + word;
  std::printf("%.1f %llu\\n", samples * repeats / seconds.count(), (unsigned long long)checksum);
}
"""


@dataclass
class Generator:
    """Writes the Verilog of a random adder pipeline, value by value."""

    dice: random.Random
    lines: list[str] = field(default_factory=list)
    adders: int = 0
    names: int = 0

    def name(self) -> str:
        self.names += 1
        return f"v{self.names}"

    def wire(self, width: int, expression: str) -> tuple[str, int]:
        name = self.name()
        self.lines.append(f"  wire signed [{width - 1}:0] {name} = {expression};")
        return name, width

    def add(self, a: tuple[str, int], b: tuple[str, int]) -> tuple[str, int]:
        shift = self.dice.randrange(4)
        sign = "-" if self.dice.random() < 0.4 else "+"
        shifted = f"$signed({{{b[0]}, {shift}'d0}})" if shift else b[0]
        self.adders += 1
        width = min(WIDEST_SUM, max(a[1], b[1] + shift) + 1)
        return self.wire(width, f"{a[0]} {sign} {shifted}")

    def tree(self, values: list[tuple[str, int]], leaves: int) -> tuple[str, int]:
        row = [self.dice.choice(values) for _ in range(leaves)]
        while len(row) > 1:
            row = [self.add(row[n], row[n + 1]) for n in range(0, len(row), 2)]
        return row[0]

    def table(self, value: tuple[str, int]) -> tuple[str, int]:
        """Six bits into a memory of 64 bytes."""
        name = self.name()
        contents = " ".join(f"{name}[{n}] = 8'd{self.dice.randrange(256)};" for n in range(64))
        self.lines.append(f"  reg [7:0] {name} [0:63];\n  initial begin {contents} end")
        address, _ = self.wire(6, f"{value[0]}[5:0]")
        return self.wire(8, f"$signed({name}[$unsigned({address})])")

    def relu_or_slice(self, value: tuple[str, int], is_relu: bool) -> tuple[str, int]:
        name, width = value
        kept = max(2, width - self.dice.randrange(3, 7))
        high = f"{name}[{width - 1}:{width - kept}]"
        return self.wire(kept, f"{name}[{width - 1}] ? {kept}'d0 : {high}" if is_relu else high)

    def register(self, value: tuple[str, int]) -> tuple[str, int]:
        name = self.name()
        self.lines.append(f"  reg signed [{value[1] - 1}:0] {name};")
        self.lines.append(f"  always @(posedge clk) {name} <= {value[0]};")
        return name, value[1]


def adder_pipeline(seed: int, stages: int = 10) -> str:
    """The Verilog of `stages` times 500 adders: trees of three levels, then registers."""
    g = Generator(random.Random(seed))
    values = [
        g.wire(INPUT_BITS, f"$signed(x[{(n + 1) * INPUT_BITS - 1}:{n * INPUT_BITS}])")
        for n in range(INPUTS)
    ]
    for _ in range(stages - 1):
        sums = [g.tree(values, leaves) for leaves in [8] * 71 + [4]]
        tables = [g.table(value) for value in sums[:11]]
        others = [g.relu_or_slice(value, n % 2 == 0) for n, value in enumerate(sums[11:])]
        values = [g.register(value) for value in tables + others]
    sums = [g.tree(values, leaves) for leaves in [8] * 62 + [4] * 3]
    while len(sums) > OUTPUTS:
        sums = [*sums[2:], g.add(sums[0], sums[1])]
    results = [g.wire(OUTPUT_BITS, name)[0] for name, _ in sums]
    assert g.adders == 500 * stages
    return "\n".join(
        [
            f"module adders (input clk, input [{INPUTS * INPUT_BITS - 1}:0] x,",
            f"               output reg [{OUTPUTS * OUTPUT_BITS - 1}:0] y);",
            *g.lines,
            f"  always @(posedge clk) y <= {{{', '.join(reversed(results))}}};",
            "endmodule",
            "",
        ]
    )


def adder_ports(stages: int = 10) -> dict:
    def port(name: str, count: int, bits: int) -> dict:
        elements = [
            {"index": [n], "offset": n * bits, "width": bits, "k": 1, "i": bits - 1, "f": 0}
            for n in range(count)
        ]
        shape = {"name": name, "port": name, "width": count * bits, "shape": [count], "order": "C"}
        return {**shape, "elements": elements}

    return {
        **{"format": "hgq2rtl-ports", "version": 1, "top": "adders", "latency_cycles": stages},
        **{"initiation_interval": 1, "clock": "clk", "enable": None, "valid_in": None},
        **{"valid_out": None, "reset": None},
        "inputs": [port("x", INPUTS, INPUT_BITS)],
        "outputs": [port("y", OUTPUTS, OUTPUT_BITS)],
    }


def bare_harness(ports: Ports) -> str:
    """The loop that anybody would write for this one design."""

    def copies(port_list, is_drive):
        at = 0
        for port in port_list:
            pin = f"top.{port.port}"
            if port.width > 64:
                ends = (f"&{pin}[0]", f"w + {at}") if is_drive else (f"w + {at}", f"&{pin}[0]")
                yield f"std::memcpy({ends[0]}, {ends[1]}, {4 * port.words});"
            elif is_drive:
                high = f" | std::uint64_t{{w[{at + 1}]}} << 32" if port.width > 32 else ""
                yield f"{pin} = w[{at}]{high};"
            else:
                yield f"w[{at}] = {pin};"
                if port.width > 32:
                    yield f"w[{at + 1}] = {pin} >> 32;"
            at += port.words

    ones = [name for name in (ports.enable, ports.valid_in) if name]
    replacements = {
        "IN_WORDS": str(sum(port.words for port in ports.inputs)),
        "OUT_WORDS": str(sum(port.words for port in ports.outputs)),
        "LATENCY": str(ports.latency_cycles),
        "SETUP": " ".join(f"top.{name} = 1;" for name in ones),
        "DRIVE": " ".join(copies(ports.inputs, True)),
        "READ": " ".join(copies(ports.outputs, False)),
        "CLOCK_LOW": f"top.{ports.clock} = 0;" if ports.clock else "",
        "CLOCK_HIGH": f"top.{ports.clock} = 1; top.eval();" if ports.clock else "",
    }
    text = BARE_HARNESS
    for word, replacement in replacements.items():
        text = text.replace(word, replacement)
    return text


def build_bare(rtl_files: list[Path], ports: Ports, folder: Path) -> tuple[Path, float]:
    verilator = tools.find_verilator()
    folder.mkdir()
    (folder / "bare.cpp").write_text(bare_harness(ports))
    environment = verilator.environment(folder)
    flags = [*bench_module.VERILATOR_FLAGS, "-CFLAGS", bench_module.CXX_FLAGS]
    flags = [flag for flag in flags if not flag.startswith("-Werror")] + ["-Wno-WIDTH"]
    command = [
        verilator.command(environment),
        "--cc",
        "--exe",
        "--build",
        "-j",
        "0",
        *flags,
        "--prefix",
        "Vdesign",
    ]
    command += ["--top-module", ports.top, "--Mdir", "objects", "-o", "../bare", "../bare.cpp"]
    start = time.perf_counter()
    subprocess.run(
        [*command, *(str(path.resolve()) for path in rtl_files)],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    return folder / "bare", time.perf_counter() - start


def random_words(ports: Ports, samples: int, seed: int) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    arrays = []
    for port in ports.inputs:
        words = generator.integers(0, 2**32, (samples, port.words), np.uint32)
        words[:, -1] >>= np.uint32(32 * port.words - port.width)
        arrays.append(words)
    return arrays


def checksum(words: list[np.ndarray]) -> int:
    rows = np.concatenate(words, axis=1).ravel().tolist()
    total = 0
    for word in rows:
        total = (total * 31 + word) % 2**64
    return total


def measure(rtl_files: list[Path], ports: Ports, folder: Path, arguments) -> dict:
    inputs = random_words(ports, arguments.samples, arguments.seed)
    bench = build(rtl_files, ports, folder / "bench")
    bare, bare_build_seconds = build_bare(rtl_files, ports, folder / "bare")
    np.concatenate(inputs, axis=1).astype("<u4").tofile(folder / "inputs.bin")
    command = [bare, folder / "inputs.bin", str(arguments.samples), str(arguments.repeats)]
    ours, bares = [], []
    right = checksum(bench.run(inputs))
    for _ in range(arguments.rounds):
        ours.append(bench.samples_per_second(inputs, arguments.repeats))
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        bares.append(float(answer[0]))
        if int(answer[1]) != right:
            raise SystemExit("the two harnesses disagree about the outputs")
    return {
        "design": ports.top,
        "latency_cycles": ports.latency_cycles,
        "samples": arguments.samples,
        "repeats": arguments.repeats,
        "bench_samples_per_second": ours,
        "bare_samples_per_second": bares,
        "ratio": statistics.median(a / b for a, b in zip(ours, bares, strict=True)),
        "bench_build_seconds": bench.build_seconds,
        "bare_build_seconds": bare_build_seconds,
    }


def print_table(result: dict) -> None:
    print(f"{result['design']}: samples/s, {result['samples']} samples x {result['repeats']}")
    print(f"{'round':>7} {'bench':>12} {'bare':>12} {'ratio':>7}")
    columns = (result["bench_samples_per_second"], result["bare_samples_per_second"])
    pairs = list(zip(*columns, strict=True))
    for number, (ours, bare) in enumerate(pairs):
        print(f"{number:>7} {ours:>12,.0f} {bare:>12,.0f} {ours / bare:>7.3f}")
    medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
    print(f"{'median':>7} {medians[0]:>12,.0f} {medians[1]:>12,.0f} {result['ratio']:>7.3f}")
    print(f"  build {result['bench_build_seconds']:>11.1f}s {result['bare_build_seconds']:>11.1f}s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rtl", type=Path, nargs="+", help="measure this design instead")
    parser.add_argument("--ports", type=Path, help="its ports.json")
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=Path("build/simulation.json"))
    arguments = parser.parse_args()
    if bool(arguments.rtl) != bool(arguments.ports):
        parser.error("--rtl and --ports come together")
    with tempfile.TemporaryDirectory(prefix="hgq2rtl-benchmark-") as name:
        folder = Path(name)
        rtl_files = arguments.rtl
        if not rtl_files:
            rtl_files = [folder / "adders.v"]
            rtl_files[0].write_text(adder_pipeline(arguments.seed))
        result = measure(rtl_files, load_ports(arguments.ports or adder_ports()), folder, arguments)
    print_table(result)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
