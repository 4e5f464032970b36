"""Functions of single numbers as layers, and as operations of Keras.

``config`` of an Activation record: activation, the name of a function; parameters, numbers
that shape it, by Keras' names. All that is read here becomes such a record.
"""

from __future__ import annotations

from typing import Any

from ..activations import function_name
from ..schema import Plan, Site, reads

OPERATIONS = """Arccos Arccosh Arcsin Arcsinh Arctan Arctanh Cbrt Cos Cosh Deg2rad Erf Exp Exp2
    Expm1 Log Log10 Log1p Log2 Rad2deg Reciprocal Relu Rsqrt Sigmoid Silu Sin Sinc Sinh Softplus
    Softsign Sqrt Tan Tanh I0"""
"""Operations without options whose function has their name in small letters."""

OTHER_NAMES = {
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "HardTanh": "hard_tanh",
    "LogSigmoid": "log_sigmoid",
    "Selu": "selu",
    "SparsePlus": "sparse_plus",
    "SparseSigmoid": "sparse_sigmoid",
    "TanhShrink": "tanh_shrink",
}

WITH_NUMBERS: dict[str, tuple[str, dict[str, float]]] = {
    "Celu": ("celu", {"alpha": 1.0}),
    "Elu": ("elu", {"alpha": 1.0}),
    "HardShrink": ("hard_shrink", {"threshold": 0.5}),
    "SoftShrink": ("soft_shrink", {"threshold": 0.5}),
    "Squareplus": ("squareplus", {"b": 4.0}),
    "Threshold": ("threshold", {"threshold": 0.0, "default_value": 0.0}),
}
"""Operations with numbers as options: the function, and its defaults."""


@reads("Activation", package="keras")
def named(site: Site) -> Plan:
    """A function by name."""
    return _plan(site, function_name(site))


@reads("ELU", package="keras")
def elu(site: Site) -> Plan:
    """``x`` above 0, ``alpha * (exp(x) - 1)`` below."""
    return _plan(site, "elu", {"alpha": site.options.number("alpha", 1.0)})


@reads("Gelu", package="ops")
def gelu(site: Site) -> Plan:
    """By erf, or approximately by tanh."""
    is_approximate = site.options.boolean("approximate", default=True)
    return _plan(site, "gelu", {"approximate": is_approximate})


@reads("Softmax", package="keras")
@reads("Softmax", "LogSoftmax", "Sparsemax", package="ops")
def softmax(site: Site) -> Plan:
    """Refused: quotients of one number by another are not exact, and are no tables."""
    site.unsupported(
        "it divides by a sum over an axis, which has no exact form",
        "Use hgq2's QSoftmax, or leave it away: the largest output stays the largest.",
    )


def _plan(site: Site, name: str, parameters: dict[str, Any] | None = None) -> Plan:
    config: dict[str, Any] = {"activation": name}
    if parameters:
        config["parameters"] = parameters
    return Plan(output=site.shape, config=config, class_name="Activation")


def _reads_operation(class_name: str, name: str, defaults: dict[str, float]) -> None:
    @reads(class_name, package="ops")
    def schema(site: Site) -> Plan:
        return _plan(site, name, {key: site.options.number(key, n) for key, n in defaults.items()})


for _class in OPERATIONS.split():
    _reads_operation(_class, _class.lower(), {})
for _class, _name in OTHER_NAMES.items():
    _reads_operation(_class, _name, {})
for _class, (_name, _defaults) in WITH_NUMBERS.items():
    _reads_operation(_class, _name, _defaults)
