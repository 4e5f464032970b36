"""Write docs/layers.md from the registered handlers: ``python docs/generate_layers.py``."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from hgq2rtl.lowering import HANDLERS

HEAD = """# Layers

Generated from the handlers by `python docs/generate_layers.py`. Names are those of Keras and HGQ2,
without the package prefix. Quantizers: kif and kbi, per element to per tensor; all rounding modes
(`TRN`, `RND`, `RND_CONV`, `TRN_ZERO`, `RND_ZERO`, `RND_INF`, `RND_MIN_INF`; the prefix `S_` means
nothing at inference) and overflows (`WRAP`, `SAT`, `SAT_SYM`, `WRAP_SM`), with scaler (a power of
two where it is hardware) and affine. Graphs: Sequential and Functional, nested, with shared layers,
several inputs and outputs.

| class | what is built |
|---|---|
"""
TAIL = """
Everything else is refused as `UnsupportedLayer`: activations other than relu and linear,
minifloat quantizers, scaled weight quantizers, equations that repeat a label or mix the batch axis.
"""


def main() -> None:
    Path(__file__).with_name("layers.md").write_text(text())


def text() -> str:
    """The page."""
    classes: defaultdict[object, list[str]] = defaultdict(list)
    for name, handler in HANDLERS.items():
        classes[handler].append(name)
    rows = [
        f"| {', '.join(names)} | {_first_paragraph(handler.__doc__)} |"
        for handler, names in classes.items()
    ]
    return HEAD + "\n".join(rows) + "\n" + TAIL


def _first_paragraph(doc: str | None) -> str:
    return " ".join((doc or "").split("\n\n")[0].split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
