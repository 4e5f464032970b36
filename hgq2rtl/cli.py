"""The command line: it can do nothing that the Python face cannot."""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console

import hgq2rtl

from .errors import BadInput, BadOption, Hgq2rtlError
from .targets import DEFAULT_PART, target_for
from .user_code import FileFunctions, function_of_file

INTERNAL_ERROR = 3
"""Exit code of a defect of hgq2rtl itself."""

WIDTH = None if sys.stdout.isatty() else 110
"""A pipe has no width: give tables room."""

BROKEN_PIPE = 141
"""Exit code where the reader of standard output is gone, as shells have it."""


class _Output(Console):
    def on_broken_pipe(self) -> None:
        os._exit(BROKEN_PIPE)


class _Messages(Console):
    def on_broken_pipe(self) -> None:
        """Nobody reads the progress: go on."""
        self.quiet = True


output = _Output(highlight=False, markup=False, soft_wrap=True, width=WIDTH)
messages = _Messages(stderr=True, highlight=False, markup=False, soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; errors become one message and an exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    is_debugging = "--debug" in given
    given = [word for word in given if word != "--debug"]
    # A short-lived process that makes many small objects which stay: collecting in vain
    # takes a fifth of a compile.
    gc.disable()
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    try:
        commands.main(given, prog_name="hgq2rtl", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except (click.Abort, KeyboardInterrupt):
        messages.print("interrupted")
        sys.exit(130)
    except BrokenPipeError:
        os._exit(BROKEN_PIPE)
    except Hgq2rtlError as error:
        if is_debugging:
            traceback.print_exc()
        if "--json" in given:
            _print_json({"error": {"type": type(error).__name__, "message": str(error)}})
        messages.print(f"{type(error).__name__}: {error}")
        sys.exit(error.exit_code)
    except Exception as defect:
        if is_debugging:
            traceback.print_exc()
        messages.print(
            f"InternalError: {type(defect).__name__}: {str(defect)[:500]}. This is a defect of "
            "hgq2rtl: please report it with the output of the same command with --debug."
        )
        sys.exit(INTERNAL_ERROR)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(hgq2rtl.__version__, prog_name="hgq2rtl")
def commands() -> None:
    """Compile trained HGQ networks to bit-exact, pipelined Verilog.

    --debug after any command shows a traceback with an error.
    """


_FUNCTIONS_HELP = "Python file with the functions that the model's author registered."


# -- compile ---------------------------------------------------------------------


@commands.command("compile")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), required=True)
@click.option("--top", help="Name of the top module; without it the file's.")
@click.option("--part", default=DEFAULT_PART, show_default=True, help="The FPGA, or 'generic'.")
@click.option("--clock-ns", type=float, help="Wanted clock period; 5 ns without a wish.")
@click.option(
    "--uncertainty",
    "uncertainty_ns",
    type=float,
    metavar="NS",
    help="Of the clock's edge: left free in every stage.",
)
@click.option("--stages", type=int, help="Exactly so many pipeline stages.")
@click.option(
    "--latency-ns", type=float, help="From port to port at most: the fastest clock that keeps it."
)
@click.option("--combinational", is_flag=True, help="No registers at all.")
@click.option(
    "--control-sets",
    type=int,
    metavar="N",
    help="At most N registers' resets by a relu's sign; more relus are LUTs.",
)
@click.option(
    "--shift-registers",
    type=int,
    metavar="N",
    help="Delays of N cycles and more as shift registers in LUTs.",
)
@click.option("--no-input-register", is_flag=True)
@click.option("--no-output-register", is_flag=True)
@click.option("--clock-enable", is_flag=True, help="Add a clock enable port, en.")
@click.option("--valid", is_flag=True, help="Add valid_in and valid_out.")
@click.option("--valid-reset", is_flag=True, help="Add rst, a synchronous reset of valid.")
@click.option("--input-format", multiple=True, metavar="[NAME=]k,i,f", help="Fix an input port.")
@click.option("--output-format", multiple=True, metavar="[NAME=]k,i,f", help="Fix an output port.")
@click.option("--functions", "functions", type=click.Path(path_type=Path), help=_FUNCTIONS_HELP)
@click.option("--after", metavar="FILE.py:NAME", help="Your own logic behind the model.")
@click.option(
    "--primitives/--no-primitives",
    default=None,
    help="Cells of AMD's primitives, or plain operators; without a word by the part.",
)
@click.option(
    "--rows-of-three/--no-rows-of-three",
    default=None,
    help="Sums in rows of three operands: fewer LUTs, deeper; without a word by the part.",
)
@click.option(
    "--multipliers",
    multiple=True,
    metavar="[LAYER=]lut|dsp",
    help="Where products of two variables are built.",
)
@click.option(
    "--effort",
    type=click.Choice(["fast", "default", "best"]),
    default="default",
    show_default=True,
    help="How long to search for small sums; Ctrl-C takes the best so far.",
)
@click.option(
    "--rebuild/--no-rebuild",
    default=True,
    show_default=True,
    help="Build sums anew for the clock where that saves more pipeline stages than LUTs.",
)
@click.option("--no-cache", is_flag=True, help="Solve all sums anew, and keep none on disk.")
@click.option(
    "--check",
    "samples",
    type=int,
    is_flag=False,
    flag_value=10_000,
    metavar="[SAMPLES]",
    help="Compare the Verilog with the interpreter.",
)
@click.option("--force", is_flag=True, help="Replace an earlier output folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def compile_command(
    model: Path,
    folder: Path,
    samples: int | None,
    force: bool,
    as_json: bool,
    no_input_register: bool,
    no_output_register: bool,
    no_cache: bool,
    input_format: tuple[str, ...],
    output_format: tuple[str, ...],
    functions: Path | None,
    after: str | None,
    multipliers: tuple[str, ...],
    **options: Any,
) -> None:
    """Compile MODEL to pipelined Verilog in a folder."""
    from .bundle.folder import check_target

    if samples is not None and samples < 1:
        raise BadOption(f"--check {samples}: a check needs at least one sample")
    check_target(folder, force)
    with messages.status("starting") as status, _first_interrupt() as search:
        progress = _progress(status, search)
        design = hgq2rtl.compile(
            model,
            input_register=not no_input_register,
            output_register=not no_output_register,
            cache=not no_cache,
            should_stop=search.is_interrupted,
            input_format=_wishes(input_format),
            output_format=_wishes(output_format),
            functions=_functions(functions),
            after=None if after is None else function_of_file(after),
            multipliers=_wishes(multipliers) or {},
            progress=progress,
            command=["hgq2rtl", *sys.argv[1:]],
            **options,
        )
        result = None
        if samples is not None:
            progress(f"checking {samples} samples under Verilator")
            result = design.check(samples=samples)
        progress(f"writing {folder}")
        design.write(folder, force)
    if as_json:
        _print_json(design.report | {"check": vars(result) if result else None})
        return
    _print_design(design)
    output.print(f"written to {folder}")
    if result:
        output.print(str(result))


def _print_design(design: hgq2rtl.Design) -> None:
    from .report import layer_table

    output.print(layer_table(design.report))
    output.print(design.summary)


def _wishes(texts: tuple[str, ...]) -> dict[str, str] | None:
    from .lowering.wishes import split_wish

    return dict(map(split_wish, texts)) if texts else None


def _functions(path: Path | None) -> FileFunctions | None:
    return None if path is None else FileFunctions(path)


def _progress(status: Any, search: _Search) -> Any:
    printed = ""

    def progress(step: str) -> None:
        nonlocal printed
        search.is_running = step.startswith("solving")
        status.update(step)
        kind = step.partition(": ")[0]
        if not messages.is_terminal and kind != printed:  # a log needs no count of blocks
            messages.print(kind)
            printed = kind

    return progress


def _print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=1))


# -- check -----------------------------------------------------------------------


@commands.command("check")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--inputs", type=click.Path(path_type=Path), help="Floats: .npy, or .npz by input.")
@click.option("--samples", type=int, default=10_000, show_default=True)
@click.option("--bench", type=click.Choice(["cocotb", "cpp"]), default="cpp", show_default=True)
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="Compare with Keras inference of this file too.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check_command(
    folder: Path, inputs: Path | None, samples: int, bench: str, model: Path | None, as_json: bool
) -> None:
    """Check the Verilog in FOLDER against the interpreter, bit for bit."""
    design = hgq2rtl.load(folder)
    design.build_dir = _build_dir(folder)
    names = [port.name for port in design.program.inputs]
    x = None if inputs is None else _load_inputs(inputs, names)
    with messages.status("simulating"):
        result = design.check(x, samples, bench, model)
    shares = [] if x is None else design.overflow(x)
    if as_json:
        _print_json(vars(result) | ({} if x is None else {"overflow": [vars(s) for s in shares]}))
        return
    for share in shares:
        output.print(str(share))
    output.print(str(result))


def _build_dir(folder: Path) -> Path | None:
    """Inside the output folder, so that a second check need not build; not if it is read-only."""
    return folder / "sim" / "build" if os.access(folder / "sim", os.W_OK) else None


def _load_inputs(path: Path, names: list[str]) -> Any:
    """Floats from .npy, or .npz with one array per input, by name or in order."""
    try:
        loaded = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise BadInput(f"{path} cannot be read as .npy or .npz: {problem}") from None
    if isinstance(loaded, np.ndarray):
        return loaded
    missing = [name for name in names if name not in loaded.files]
    if missing and len(loaded.files) == len(names):
        return [loaded[name] for name in loaded.files]
    if missing:
        raise BadInput(f"{path} lacks {', '.join(missing)}: it has {', '.join(loaded.files)}")
    return [loaded[name] for name in names]


# -- info, opt -------------------------------------------------------------------


@commands.command("info")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help="Floats: how often does it wrap?")
@click.option("--input-format", multiple=True, metavar="[NAME=]k,i,f", help="As for compile.")
@click.option("--functions", type=click.Path(path_type=Path), help=_FUNCTIONS_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info_command(
    model: Path,
    data: Path | None,
    input_format: tuple[str, ...],
    functions: Path | None,
    as_json: bool,
) -> None:
    """Show layers, formats, EBOPs and pruned weights of MODEL."""
    from .report import info_table
    from .verify import OverflowShare

    x = None
    if data is not None:
        names = [port["name"] for port in hgq2rtl.info(model)["inputs"]]
        x = _load_inputs(data, names)
    report = hgq2rtl.info(model, x, _wishes(input_format), _functions(functions))
    if as_json:
        _print_json(report)
        return
    output.print(info_table(report))
    for share in report.get("overflow", []):
        output.print(str(OverflowShare(**share)))


def _list_passes(context: click.Context, parameter: click.Parameter, is_given: bool) -> None:
    from .passes import PASSES

    if not is_given:
        return
    for name, function in PASSES.items():
        output.print(f"{name:15} {(function.__doc__ or '').splitlines()[0]}")
    context.exit()


@commands.command("opt")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-p", "--passes", default="", help="Passes to run, in order, with commas.")
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), help=".json or .json.gz")
@click.option(
    "--part", default=DEFAULT_PART, show_default=True, help="Whose sums solve-linear makes."
)
@click.option(
    "--effort",
    type=click.Choice(["fast", "default", "best"]),
    default="default",
    show_default=True,
    help="How long solve-linear searches.",
)
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_passes,
    help="List the passes.",
)
def opt_command(file: Path, passes: str, target: Path | None, part: str, effort: Any) -> None:
    """Run passes on a Program, text or JSON, and print it: the workbench."""
    from .build import solving_for
    from .ir import load as load_program
    from .ir import parse, save, to_text, verify
    from .passes import run_passes

    if file.suffix in (".json", ".gz"):
        program = load_program(file)
    else:
        try:
            program = verify(parse(file.read_text()))
        except (OSError, UnicodeDecodeError) as problem:
            raise BadInput(f"{file} cannot be read: {problem}") from None
    names = [name.strip() for name in passes.split(",") if name.strip()]
    program = run_passes(program, names, solving=solving_for(target_for(part), effort))
    if target is not None:
        save(program, target)
    else:
        click.echo(to_text(program), nl=False)


# -- cmvm ------------------------------------------------------------------------


@commands.command("cmvm")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--depth-slack",
    type=click.IntRange(0, 1000),
    default=0,
    show_default=True,
    help="Adder levels above the least possible of each block.",
)
@click.option(
    "--effort",
    type=click.Choice(["fast", "default", "best"]),
    default="default",
    show_default=True,
    help="How long to search: not at all, about a second a block, ten times that.",
)
@click.option(
    "--cost",
    type=click.Choice(["rows", "signed"]),
    default="rows",
    show_default=True,
    help="What to minimise: LUTs of unsigned rows, or of two's complement adders.",
)
@click.option("--three-operand", is_flag=True, help="Let a row have three operands.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--iterations", type=click.IntRange(0, 10**9), help="Search steps a block.")
@click.option("--json", "as_json", is_flag=True, help="Print the graphs as one JSON list.")
def cmvm_command(file: Path, cost: Any, three_operand: bool, as_json: bool, **options: Any) -> None:
    """Solve the constant matrices in FILE as adder graphs.

    Ctrl-C ends the search with the best graphs so far.
    """
    from .cmvm.blocks import read_blocks, solve_blocks
    from .cmvm.options import Cost, Options
    from .report import block_table

    blocks = read_blocks(file)
    choice = Options(cost=Cost(cost, has_three_operand_rows=three_operand), **options)
    with messages.status("solving") as status, _first_interrupt() as search:
        search.is_running = True

        def progress(done: int, total: int) -> None:
            status.update(f"{done} of {total} blocks solved")

        solved = solve_blocks(blocks, choice, progress=progress, should_stop=search.is_interrupted)
        if search.is_interrupted():
            messages.print("interrupted: these are the best graphs so far")
    if as_json:
        click.echo("[\n" + ",\n".join(json.dumps(block.to_json()) for block in solved) + "\n]")
        return
    output.print(block_table([b.to_json() | {"signed_bits": b.signed.luts} for b in solved]))


class _Search:
    """A search that Ctrl-C ends with its best result so far; once more ends the command."""

    def __init__(self) -> None:
        self.is_running = False
        self._interrupted = threading.Event()

    def is_interrupted(self) -> bool:
        return self._interrupted.is_set()

    def _stop(self, number: int, frame: Any) -> None:
        if not self.is_running or self.is_interrupted():
            raise KeyboardInterrupt
        self._interrupted.set()


@contextmanager
def _first_interrupt() -> Iterator[_Search]:
    """A search that the user may stop, while it is running."""
    search = _Search()
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, search._stop)
    try:
        yield search
    finally:
        signal.signal(signal.SIGINT, before)


if __name__ == "__main__":
    main()
