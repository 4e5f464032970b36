"""Learned tables: each edge's network, evaluated in float64 for every sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hgq2rtl.frontends import Layer, Quantizer
from hgq2rtl.frontends.windows import same, valid

from ...frontends.evaluate import quantized
from ..graphs import quantizer
from .case import RNG, Case, relu

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda x: x,
    "relu": relu,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def numbers(*shape: int) -> np.ndarray:
    return RNG.normal(0, 1, shape).astype(np.float32)


class Tables:
    """A record, with what it means."""

    def __init__(
        self,
        equation: str,
        shape: tuple[int, ...],
        sizes: dict[str, int],
        *,
        n_hl: int = 1,
        has_bias: bool = True,
        function: str = "tanh",
        activation: str = "linear",
        normalize: str | None = None,
        norm_is_part: bool = False,
        quantizers: dict[str, tuple[Quantizer, ...]] | None = None,
    ):
        operands, self.result = equation.split("->")
        data, self.kernel = operands.split(",")
        self.edges = data[1:] + "".join(c for c in self.kernel if c not in data)
        self.sizes = {**dict(zip(data[1:], shape, strict=True)), **sizes}
        self.shape, self.rank = shape, len(data)
        self.edge_shape = tuple(self.sizes[c] for c in self.edges)
        self.function, self.activation = function, activation
        self.parts = self._networks(n_hl, has_bias)
        self.config: dict[str, Any] = {
            "equation": equation,
            "edges": self.edges,
            "edge_shape": self.edge_shape,
            "n_hl": n_hl,
            "subnn_activation": function,
            "activation": activation,
        }
        self.arrays: dict[str, np.ndarray] = {}
        self.normalize = normalize
        if normalize is not None:
            self.config |= {"normalize_axes": normalize, "epsilon": 0.5}
            self._norm(normalize, norm_is_part)
        self.quantizers = quantizers or {"input": (self._input(),), "table": (self._table(),)}

    def layer(self, name: str) -> Layer:
        return Layer(name, "QEinsumDenseT", self.config, self.arrays, self.quantizers, self.parts)

    def case(self, **config: Any) -> Case:
        return Case(
            self.meaning,
            (self.shape,),
            {**self.config, **config},
            self.arrays,
            self.quantizers,
            parts=self.parts,
        )

    def meaning(self, x: np.ndarray) -> np.ndarray:
        """(samples, *shape) to the activated sums."""
        spread = x.reshape(*x.shape, *[1] * (len(self.edges) + 1 - x.ndim))
        x = np.broadcast_to(spread, (len(x), *self.edge_shape))
        for q in self.quantizers.get("input", ()):
            x = quantized(x, q)
        summed = [n for n, c in enumerate(self.edges, 1) if c not in self.result]
        y = self._normalized(self._network(x), np.prod([x.shape[n] for n in summed]))
        y = quantized(y, self.quantizers["table"][0]).sum(tuple(summed))
        left = [c for c in self.edges if c in self.result]
        y = y.transpose(0, *(left.index(c) + 1 for c in self.result[1:]))
        y = FUNCTIONS[self.activation](y)
        return quantized(y, self.quantizers["output"][0]) if "output" in self.quantizers else y

    def _network(self, x: np.ndarray) -> np.ndarray:
        last = self.config["n_hl"]
        kernels = [self.parts[f"network_{n}"].arrays for n in range(last + 1)]
        h = np.repeat(x[..., None], kernels[0]["kernel"].shape[len(self.kernel)], axis=-1)
        for n, arrays in enumerate(kernels):
            made = "" if n == last else "Y"
            kernel = arrays["kernel"].astype(np.float64)
            h = np.einsum(
                f"Z{self.edges}X,{self.kernel}X{made}->Z{self.edges}{made}", h, kernel
            ) + arrays.get("bias", 0.0)
            h = h if n == last else FUNCTIONS[self.function](h)
        return h

    def _normalized(self, y: np.ndarray, fan_in: int) -> np.ndarray:
        if self.normalize is None:
            return y
        arrays = self.parts["norm"].arrays if "norm" in self.parts else self.arrays
        along = [self.sizes[c] if c in self.normalize else 1 for c in self.edges]
        gamma, beta, mean, variance = (
            np.reshape(arrays.get(name, default), along if name in arrays else ())
            for name, default in (
                ("gamma", 1.0),
                ("beta", 0.0),
                ("moving_mean", 0.0),
                ("moving_variance", 1.0),
            )
        )
        return ((y - mean) * gamma / np.sqrt(variance + 0.5) + beta) / np.sqrt(fan_in)

    def _networks(self, n_hl: int, has_bias: bool) -> dict[str, Layer]:
        width, found = 3, {}
        shared = [self.sizes[c] for c in self.kernel]
        first = min(self.edges.index(c) for c in self.kernel)
        along = [self.sizes[c] if c in self.kernel else 1 for c in self.edges[first:]]
        for n in range(n_hl + 1):
            inputs = 2 if n == 0 and n_hl else 1 if n == 0 else width
            made = [] if n == n_hl else [width]
            arrays = {"kernel": numbers(*shared, inputs, *made)}
            if has_bias:
                arrays["bias"] = numbers(*along, *made)
            found[f"network_{n}"] = Layer(f"n{n}", "EinsumDense", {}, arrays)
        return found

    def _norm(self, axes: str, is_part: bool) -> None:
        size = [self.sizes[c] for c in axes]
        arrays = {name: numbers(*size) for name in ("gamma", "beta", "moving_mean")}
        arrays["moving_variance"] = RNG.uniform(0.5, 2, size).astype(np.float32)
        if is_part:
            del arrays["gamma"]
            self.parts["norm"] = Layer("norm", "BatchNormalization", {}, arrays)
        else:
            del arrays["beta"]
            self.arrays = arrays

    def _input(self) -> Quantizer:
        """A format for each edge; some have no bits."""
        k, i, f = (RNG.integers(0, n, self.edge_shape) for n in (2, 3, 2))
        return quantizer(k=k, i=i, f=f - (RNG.random(f.shape) < 0.2) * 4)

    def _table(self) -> Quantizer:
        f = RNG.integers(-1, 5, self.edge_shape)
        return quantizer(k=1, i=1, f=f, rounding="RND_CONV", overflow="SAT")


DENSE = "zi,io->zo"
WIDE = quantizer(i=2, f=3, rounding="TRN", overflow="SAT_SYM")
ON_A_VECTOR = [
    Tables(DENSE, (4,), {"o": 3}).case(),
    Tables(DENSE, (4,), {"o": 3}, n_hl=0, has_bias=False).case(),
    Tables(DENSE, (3,), {"o": 2}, n_hl=2, function="relu", activation="relu").case(),
    Tables(DENSE, (4,), {"o": 3}, normalize="o", norm_is_part=True, function="sigmoid").case(),
    Tables("zai,io->zao", (2, 3), {"o": 2}, normalize="o", norm_is_part=True).case(),
    Tables(DENSE, (3,), {"o": 2}, quantizers={"table": (WIDE,)}).case(),
    Tables(
        DENSE,
        (3,),
        {"o": 2},
        quantizers={
            "input": (quantizer(i=1, f=1, scaler=0.5, affine=(2.0, -0.25)),),
            "table": (quantizer(i=2, f=4, scaler=2.0, affine=(-0.5, 0.375)),),
            "output": (quantizer(i=3, f=1, overflow="SAT"),),
        },
    ).case(),
]

BY_EQUATION = [
    Tables("zbc,cd->zbd", (2, 3), {"d": 2}).case(),
    Tables("zbc,cd->zdb", (2, 3), {"d": 2}, normalize="db").case(),
    Tables("zbc,bcd->zd", (2, 3), {"d": 2}, activation="relu", normalize="").case(),
    Tables("zbc,cd->zd", (2, 3), {"d": 2}, normalize="d").case(),
    Tables("zbc,bc->zbc", (2, 3), {}, n_hl=2).case(),
    Tables("zbc,bd->zcd", (2, 3), {"d": 2}).case(),
    Tables("zbc,edc->zbde", (2, 3), {"d": 2, "e": 2}, has_bias=False).case(),
    Tables("zb,b->z", (3,), {}, normalize="b").case(),
]


def convolved(windows: list[Any], shape: tuple[int, ...], **options: Any) -> Case:
    """The same over patches, which NumPy gathers here by their definition."""
    positions = [w.positions(n) for w, n in zip(windows, shape, strict=False)]
    seen = int(np.prod([w.size for w in windows])) * shape[-1]
    labels = "abc"[: len(positions)]
    tables = Tables(f"z{labels}i,io->z{labels}o", (*positions, seen), {"o": 2}, **options)

    def meaning(x: np.ndarray) -> np.ndarray:
        patches = np.zeros((len(x), *positions, seen))
        for at in np.ndindex(*positions):
            for n, tap in enumerate(np.ndindex(*(w.size for w in windows))):
                place = [
                    p * w.stride + t * w.dilation - w.before
                    for p, t, w in zip(at, tap, windows, strict=True)
                ]
                if all(0 <= p < size for p, size in zip(place, shape, strict=False)):
                    channels = slice(n * shape[-1], (n + 1) * shape[-1])
                    patches[(slice(None), *at, channels)] = x[(slice(None), *place)]
        return tables.meaning(patches)

    made = tables.case(windows=tuple(windows))
    return Case(
        meaning, (shape,), made.config, made.arrays, made.quantizers, made.arguments, made.parts
    )


OVER_A_LINE = [
    convolved([valid(2)], (4, 2)),
    convolved([same(5, 3, stride=2)], (5, 1), normalize="o", norm_is_part=True),
    convolved([same(5, 2, dilation=2)], (5, 1), n_hl=0, activation="relu"),
]
OVER_A_PLANE = [
    convolved([valid(2), valid(1, stride=2)], (3, 3, 1), has_bias=False),
    convolved([same(3, 2), same(2, 2)], (3, 2, 2), normalize="o", norm_is_part=True),
]

CASES = {
    "QDenseT": ON_A_VECTOR,
    "QEinsumDenseT": BY_EQUATION,
    "QConvT1D": OVER_A_LINE,
    "QConvT2D": OVER_A_PLANE,
}
