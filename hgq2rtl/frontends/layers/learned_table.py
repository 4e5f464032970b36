"""Layers of learned tables: QDenseT, QEinsumDenseT, QConvT1D and QConvT2D.

Each pair of an input and an output that it reaches is an *edge*, with an input quantizer, a
small network of its own and a table quantizer; an output is the sum over its edges. All
classes are einsum layers whose products are such tables: QDenseT by ``...i,io->...o``,
QConvT by the same over what its windows see.

``config`` of the records: equation (explicit, batch label first on data and output), edges
(its labels: those of the data, then those that the kernel adds), edge_shape, n_hl (hidden
layers of the networks), subnn_activation, activation, table_idxs; with a batch norm
normalize_axes (labels of edges, in the order of its arrays) and epsilon; of a QConvT also
windows. Quantizers: ``input`` and ``table`` over the edges.

Parts: ``network_0``, ``network_1``, ..., each with a kernel over (*kernel labels, inputs,
outputs), the last without outputs, and maybe a bias over the edges, as Keras' EinsumDense
stores it; ``norm``, the batch norm, where its arrays are not the layer's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import prod

from .. import limits
from ..activations import function_name
from ..einsum import BadEquation, Equation, UnsupportedEquation, label_sizes, parse_equation
from ..grid import fitted, positions, read_grid
from ..hdf5 import Variable
from ..schema import (
    Part,
    Plan,
    Shape,
    Site,
    Slot,
    ebops_variables,
    output_slots,
    reads,
)
from ..untrusted import shown, value_shown
from .dense import check_variance, declared_output

DENSE = "...i,io->...o"
"""What QDenseT and QConvT are, as an einsum layer."""

DEEPEST = 16
"""Hidden layers of the networks; trained ones have one or two."""


@dataclass(frozen=True)
class Edges:
    """The tables of a layer: which there are, and which share a network."""

    equation: Equation
    sizes: dict[str, int]

    @cached_property
    def labels(self) -> str:
        """Axes of the edges, without the batch."""
        data, kernel = self.equation.data[1:], self.equation.kernel
        return data + "".join(label for label in kernel if label not in data)

    @property
    def shape(self) -> Shape:
        return self.over(self.labels)

    @property
    def output(self) -> Shape:
        return self.over(self.equation.output[1:])

    def over(self, labels: Iterable[str]) -> Shape:
        return tuple(self.sizes[label] for label in labels)

    @property
    def bias(self) -> Shape:
        """From the first axis of the kernel among those of the edges, 1 where it has none."""
        kernel = self.equation.kernel
        first = min(self.labels.index(label) for label in kernel)
        return tuple(self.sizes[x] if x in kernel else 1 for x in self.labels[first:])


@reads("QDenseT")
def dense_tables(site: Site) -> Plan:
    """Tables between all elements of the last axis and all outputs."""
    if not site.shape:
        site.options.bad("the input has no axis besides the batch")
    edges = _dense_edges(site, site.shape, site.options.whole("n_out", at_least=1))
    return _over_last_axis(site, edges)


@reads("QEinsumDenseT")
def einsum_tables(site: Site) -> Plan:
    """Tables between the elements that an equation multiplies."""
    text = site.options.text("equation")
    try:
        equation = parse_equation(text, rank=len(site.shape) + 1)
        sizes = label_sizes(equation, site.shape, declared_output(site))
    except BadEquation as error:
        site.options.bad(f"equation {value_shown(text)} {error}")
    except UnsupportedEquation as error:
        site.unsupported(
            f"equation {value_shown(text)} {error}",
            "Write the layer with distinct labels and the batch axis in front.",
        )
    edges = Edges(equation, sizes)
    axes = _normalized_axes(site, edges)
    norm = _norm(site, edges.over(axes), axes)
    # The offset of a batch norm stands for the biases of the networks.
    has_bias = site.options.raw("bias_axes", None) is not None and norm is None
    width = site.options.whole("d_hl", at_least=1, default=8)
    plan = _plan(site, edges, has_bias, first_inputs=width)
    return plan if norm is None else _joined(plan, norm)


def convolved_tables(site: Site, rank: int) -> Plan:
    """Tables between all that a window sees and all filters, at each of its positions."""
    options = site.options
    grid = read_grid(site, rank)
    if grid.data_format != "channels_last":
        site.unsupported(
            "hgq2 itself cannot run a table convolution with channels_first",
            "Put a Permute in front and build the layer with channels_last.",
        )
    if options.whole("groups", at_least=1, default=1) != 1:
        site.unsupported(
            "hgq2 itself has no table convolution in groups", "Build the layer with groups=1."
        )
    padding = options.word("padding", ("valid", "same", "causal"), default="valid")
    if padding == "causal":
        site.unsupported(
            "hgq2 itself cannot run a table convolution with causal padding",
            "Pad in front with a ZeroPadding1D and build the layer with padding='valid'.",
        )
    sizes, strides, dilations = (
        options.wholes(name, at_least=1, default=1, length=rank)
        for name in ("kernel_size", "strides", "dilation_rate")
    )
    windows = fitted(padding, grid.extents, sizes, strides, dilations)
    filters = options.whole("filters", at_least=1)
    seen = prod(sizes) * grid.channels
    found = positions(site, grid, windows, products=seen * filters)
    plan = _over_last_axis(site, _dense_edges(site, (*found, seen), filters))
    return replace(plan, config={**plan.config, "windows": windows})


for _rank in (1, 2):
    reads(f"QConvT{_rank}D")(partial(convolved_tables, rank=_rank))


def _dense_edges(site: Site, shape: Shape, outputs: int) -> Edges:
    limits.check_tensor((*shape, outputs), site.where)
    equation = parse_equation(DENSE, rank=len(shape) + 1)
    return Edges(equation, label_sizes(equation, shape, [outputs]))


def _over_last_axis(site: Site, edges: Edges) -> Plan:
    """A plan by :data:`DENSE`; its batch norm is a Keras layer of its own."""
    has_bias = site.options.boolean("use_bias", default=True)
    plan = _plan(site, edges, has_bias, first_inputs=1)
    norm = _norm(site, edges.output[-1:], axes=edges.labels[-1])
    if norm is None:
        return plan
    part = Part("BatchNormalization", "bn_module", norm)
    return replace(
        plan,
        config={**plan.config, **norm.config},
        parts={**plan.parts, "norm": replace(part, plan=replace(norm, config={}))},
    )


def _joined(plan: Plan, norm: Plan) -> Plan:
    """A plan with the batch norm's arrays in front of the layer's own variables."""
    return replace(
        plan,
        config={**plan.config, **norm.config},
        variables=(*norm.variables, *plan.variables),
        last_check=norm.last_check,
    )


def _normalized_axes(site: Site, edges: Edges) -> str:
    """Labels of the batch norm's arrays, in their order."""
    equation, options = edges.equation, site.options
    bias_axes = options.text_or_none("bias_axes")
    if bias_axes is not None and not (bias_axes and set(bias_axes) <= set(equation.output)):
        options.wrong("bias_axes", f"null, or labels of the output {equation.output!r}")
    axes = options.text_or_none("normalize_axes")
    if axes is None:
        shared = "".join(label for label in equation.kernel if label in equation.output)
        axes = shared if bias_axes is None else bias_axes
    if not set(axes) <= set(edges.labels) or len(set(axes)) != len(axes):
        options.bad(
            f"a batch norm over axes {shown(axes)!r} does not fit the tables, whose axes are "
            f"{edges.labels!r}"
        )
    return axes


def _plan(site: Site, edges: Edges, has_bias: bool, first_inputs: int) -> Plan:
    """What all classes have, without the batch norm."""
    limits.check_tensor(edges.shape, site.where)
    site.options.raw("bn_momentum", None)
    return Plan(
        output=edges.output,
        config={
            "equation": str(edges.equation),
            "edges": edges.labels,
            "edge_shape": edges.shape,
            "table_idxs": _table_idxs(site),
            "n_hl": site.options.whole("n_hl", at_least=0, default=1),
            "subnn_activation": function_name(site, "subnn_activation"),
            "activation": function_name(site),
        },
        variables=ebops_variables(site),
        slots=(
            *_input_slot(site, edges),
            Slot(
                place="table",
                default="table",
                raw=site.options.raw("toq_conf", None),
                option="toq_conf",
                folder="toq/quantizer",
                shape=(1, *edges.shape),
            ),
            *output_slots(site, edges.output),
        ),
        parts=_networks(site, edges, has_bias, first_inputs),
    )


def _table_idxs(site: Site) -> tuple[int, int]:
    """Inputs of a physical table, and how many a narrower one is priced by: for the EBOPs."""
    inputs, priced = site.options.wholes("table_idxs", at_least=1, default=[6, 5], length=2)
    if max(inputs, priced) > limits.TABLE_INPUT_BITS:
        site.options.wrong("table_idxs", "two numbers of inputs that a table may have")
    return inputs, priced


def _input_slot(site: Site, edges: Edges) -> tuple[Slot, ...]:
    raw = site.options.raw("iq_conf", None)
    if not site.options.boolean("enable_iq", default=True):
        return ()
    return (Slot("input", "datalane", raw, "iq_conf", "iq/quantizer", (1, *edges.shape)),)


def _networks(site: Site, edges: Edges, has_bias: bool, first_inputs: int) -> dict[str, Part]:
    """The layers of the networks, all edges in one: ``n_hl`` hidden ones and the last."""
    hidden = site.options.whole("n_hl", at_least=0, default=1)
    width = site.options.whole("d_hl", at_least=1, default=8)
    if hidden > DEEPEST:
        site.options.wrong("n_hl", f"a whole number of at most {DEEPEST}")
    inputs = [first_inputs if hidden else 1] + [width] * hidden
    outputs: list[Shape] = [(width,)] * hidden + [()]
    kernel = edges.over(edges.equation.kernel)
    found = {}
    for n, (count, made) in enumerate(zip(inputs, outputs, strict=True)):
        biases = (Variable("bias", (*edges.bias, *made)),) if has_bias else ()
        found[f"network_{n}"] = Part(
            "EinsumDense",
            f"module/layers/einsum_dense{f'_{n}' if n else ''}",
            Plan(made, variables=(Variable("kernel", (*kernel, count, *made)), *biases)),
        )
    return found


def _norm(site: Site, shape: Shape, axes: str) -> Plan | None:
    """The batch norm: its options and arrays; None without one."""
    options = site.options
    has_scale = options.boolean("bn_scale", default=True)
    has_center = options.boolean("bn_center", default=True)
    epsilon = options.number("bn_epsilon", default=1e-3)
    if not options.boolean("batch_norm", default=False):
        return None
    if epsilon <= 0:
        options.wrong("bn_epsilon", "above 0")
    return Plan(
        shape,
        config={"normalize_axes": axes, "epsilon": epsilon},
        variables=(
            *([Variable("gamma", shape)] if has_scale else []),
            *([Variable("beta", shape)] if has_center else []),
            Variable("moving_mean", shape),
            Variable("moving_variance", shape),
        ),
        last_check=check_variance,
    )
