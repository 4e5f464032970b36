"""Write docs/functions.md from the tables of NumPy names: ``python docs/generate_functions.py``."""

from __future__ import annotations

from pathlib import Path

from hgq2rtl.lowering.numpy_functions import FUNCTIONS, UFUNCS

HEAD = """# Logic of your own

A function written with NumPy names compiles too: behind a model, or alone. It runs once, on arrays
of wires (`hgq2rtl.FixedArray`), and everything that it computes becomes hardware. Every number is
exact: a wire grows as wide as its values need.

## Behind a model

```python
import numpy as np
import hgq2rtl


def decide(scores):
    ordered = np.sort(scores)
    return {"digit": np.argmax(scores), "accept": ordered[-1] - ordered[-2] > 1.5}


trigger = hgq2rtl.compile("examples/digits.keras", after=decide)
```

The function takes the model's outputs, one array each, without batch axis; what it returns are the
outputs of the design: one array, a tuple, or a dict from port name to array. The names of a
model's outputs are kept where the function returns as many. On the command line:
`hgq2rtl compile MODEL -o DIR --after FILE.py:decide`. `python examples/trigger.py` runs all of it.

## Alone

```python
import numpy as np
import hgq2rtl


def isolation(energy, seed):
    ring = np.sum(energy) - energy[4]
    return np.where(seed > 2, hgq2rtl.quantize(ring * 0.75, 0, 6, 2, "RND", "SAT"), 0)


design = hgq2rtl.trace(
    isolation,
    inputs={
        # Nine numbers without sign, of 5 integer and 3 fraction bits; and a single one.
        "energy": hgq2rtl.Input("0,5,3", shape=(9,)),
        "seed": "1,3,2",
    },
)
design.predict([np.ones((1, 9)), np.full(1, 2.5)])
```

An input's format is `k,i,f` (sign bits, integer bits without sign, fraction bits) for all its
elements, or three integer arrays that broadcast to its shape. A port takes only numbers that fit;
`predict` also takes integers of any size (Python ints), which floats would round.

## What has no exact value

`np.exp(x)`, `x / 3` and every other function of single numbers stay open: `quantize(k, i, f,
rounding, overflow)` gives them a format, and they become a table or an exact division. `x / 4` and
`np.mean` over a power of two are exact as they are. A table has one input: `np.tanh(x) * y` needs
a quantizer between. Functions run in float64 here; those of a layer run in the layer's type. A
table has at most 2^18 entries.

## What is different from NumPy

- There is no `if` on a wire: use `np.where`, and `& | ~` for `and`, `or`, `not`.
- Indices are constants: `x[np.argmax(y)]` is a choice, `np.where`.
- Bitwise operations and shifts take integers: `np.floor` or `quantize` first.
- `np.argsort` is stable whatever is asked for; of equal elements `np.argmax` takes the first.

## Names

Operators: `+ - * / // % ** @ < <= > >= == != & | ^ ~ << >> abs()`, slicing, and the methods that
arrays have (`sum mean max min argmax argmin any all clip reshape ravel transpose squeeze T`).
`FixedArray.apply(function)` makes a table of any function of one float array.

"""


def main() -> None:
    Path(__file__).with_name("functions.md").write_text(text())


def text() -> str:
    """The page."""
    ufuncs = sorted(u.__name__ for u in UFUNCS)
    functions = sorted({f.__name__ for f in FUNCTIONS} - set(ufuncs))
    return (
        HEAD
        + "\n\n".join(
            [
                _wrapped("Of single numbers", ufuncs) + " Others of one argument are tables.",
                _wrapped("Of arrays", functions),
            ]
        )
        + "\n"
    )


def _wrapped(title: str, names: list[str]) -> str:
    return f"{title}: " + ", ".join(f"`np.{name}`" for name in names) + "."


if __name__ == "__main__":
    main()
