"""Attention: QMultiHeadAttention, QLinformerAttention, QSALTAttention.

A sequence is a tensor (*places, channels), of one or several axes of places.

``config`` of the records: fuse (``none``, ``kv``, ``qkv``: what shares the key's input
quantizer); key_dim, value_dim; scores and values, the equations of the scores from key and
query, and of what comes out of them and the values; returns_scores; part_shapes, of what
enters each part. Of a QSALTAttention also clusters, by role: into how many the places of keys
or values are cut before they are projected.

Parts: query, key, value, output (einsum layers) and softmax; lin_k and lin_v, einsum layers
over places, of which a shared projection has the first only; conv, on the scores.

``arguments``: operands are query, value, key, and the masks; masks says for each mask of
which kind it is: ``query`` or ``key`` (places that are seen), or ``attention`` (who sees whom).
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from .. import limits
from ..attention_masks import attention_masks, flag_argument
from ..options import is_whole, plain_list
from ..schema import Part, Plan, Shape, Site, ebops_variables, reads
from ..topology import Tensor

Projection = Callable[[Site, dict[str, Any], Shape, str], Part]
"""From the options that all projections have, the input's shape and the folder."""


def dense(site: Site, options: dict[str, Any], shape: Shape, folder: str) -> Part:
    """A projection with a quantized kernel."""
    quantizers = {name: site.options.raw(f"qkvo_{name}", None) for name in ("kq_conf", "bq_conf")}
    return site.part("QEinsumDense", {**options, **quantizers}, [shape], folder)


@reads("QMultiHeadAttention")
def multi_head_attention(site: Site, project: Projection = dense) -> Plan:
    """``output(softmax(query @ key) @ value)`` for each head."""
    a = Attention(site, project)
    return a.plan(a.query, a.key, a.value, a.parts(a.key, a.value))


@reads("QLinformerAttention")
def linformer_attention(
    site: Site, project: Projection = dense, project_places: Projection = dense
) -> Plan:
    """The same on fewer places: keys and values are projected over places first."""
    a = Attention(site, project)
    places = _projected_places(site, a.axes)
    if site.options.raw("lin_kv_proj_mode", "dense") != "dense" and project_places is dense:
        site.options.wrong("lin_kv_proj_mode", "dense")
    shared = a.shares_projection()
    linear = {
        f"lin_{role}": a.linear(role, places, project_places)
        for role in ("k", "v")
        if role == "k" or not shared
    }
    key, value = ((*places, shape[-1]) for shape in (a.key, a.value))
    return a.plan(a.query, key, value, {**linear, **a.parts(key, value)})


@reads("QSALTAttention")
def salt_attention(site: Site) -> Plan:
    """Linformer with projections within clusters, and a convolution over the scores."""
    a = Attention(site, dense)
    if a.axes != 1:
        site.options.bad("it takes tensors of one axis of places, and one of channels")
    count = site.options.whole("lin_kv_proj_dim", at_least=1)
    shared = a.shares_projection()
    clustered = {
        role: site.options.boolean(f"cluster_{role}_proj", default=False) for role in ("k", "v")
    }
    linear, clusters = {}, {}
    for role in ("k", "v"):
        if clustered[role]:
            clusters[role] = count
        if role == "k" or not shared:
            make = a.linear_in_clusters if clustered[role] else a.linear
            linear[f"lin_{role}"] = make(role, (count,), dense)
    if shared and len(set(clustered.values())) > 1:
        site.options.bad("keys and values share a projection, and only one of them is clustered")
    key, value = ((count, shape[-1]) for shape in (a.key, a.value))
    conv = _convolution(a, (a.heads, *a.query[:-1], count))
    parts = {**linear, **a.parts(key, value), **conv}
    plan = a.plan(a.query, key, value, parts)
    shapes = {f"lin_{role}": a.cut(role, count) for role in clusters}
    config = {"clusters": clusters, "part_shapes": plan.config["part_shapes"] | shapes}
    return replace(plan, config={**plan.config, **config})


@reads(
    *("AdditiveAttention", "Attention", "GroupedQueryAttention", "MultiHeadAttention"),
    package="keras",
)
def plain_attention(site: Site) -> Plan:
    """Refused: its softmax has no exact form."""
    site.unsupported(
        "its softmax divides by a sum, which has no exact form",
        "Use hgq2's QMultiHeadAttention.",
    )


class Attention:
    """What attention layers share: their inputs and sizes, projections, masks.

    Parameters
    ----------
    site : Site
    project : Projection
        Makes the parts query, key, value and output.
    """

    def __init__(self, site: Site, project: Projection):
        self.site = site
        self._project = project
        self.inputs = _inputs(site)
        """Positions of query, value and key."""
        self.query, self.value, self.key = (site.shapes[n] for n in self.inputs)
        self.heads = site.options.whole("num_heads", at_least=1)
        self.key_dim = site.options.whole("key_dim", at_least=1)
        dim = site.options.raw("value_dim", None)
        self.value_dim = self.key_dim if dim is None else site.options.whole("value_dim", 1)
        self.use_bias = site.options.boolean("use_bias", default=True)
        self.fuse = site.options.word("fuse", ("none", "kv", "qkv"), default="none")
        self.axes = len(self.query) - 1
        """Axes of places."""
        self._counts_ebops = site.options.boolean("enable_ebops", default=True)
        self._check()

    def parts(self, key: Shape, value: Shape) -> dict[str, Part]:
        """The projections and the softmax, for keys and values of these shapes."""
        has_own = {"query": self.fuse != "qkv", "key": True, "value": self.fuse == "none"}
        shapes = {"query": (self.query, self.key_dim), "key": (key, self.key_dim)}
        shapes["value"] = (value, self.value_dim)
        found = {
            role: self._projection(role, shape, (self.heads, dim), has_own[role])
            for role, (shape, dim) in shapes.items()
        }
        found["output"] = self._output()
        found["softmax"] = self._softmax((self.heads, *self.query[:-1], *key[:-1]))
        return found

    def plan(self, query: Shape, key: Shape, value: Shape, parts: Mapping[str, Part]) -> Plan:
        """The plan of the whole layer, with keys and values as the softmax meets them."""
        if key[:-1] != value[:-1]:
            self.site.options.bad(
                f"it has {key[:-1]} places of keys and {value[:-1]} places of values"
            )
        scores = (self.heads, *query[:-1], *key[:-1])
        limits.check_tensor(scores, self.site.where)
        products = math.prod(scores) * max(self.key_dim, self.value_dim)
        limits.check_products(products, self.site.where)
        returns_scores = flag_argument(self.site, 7, "return_attention_scores")
        masks = attention_masks(self.site, scores, is_projected=key != self.key)
        return Plan(
            output=(*query[:-1], *self._output_shape),
            further_outputs=(scores,) if returns_scores else (),
            config={
                "fuse": self.fuse,
                "key_dim": self.key_dim,
                "value_dim": self.value_dim,
                "returns_scores": returns_scores,
                "part_shapes": self._part_shapes(parts, key, value),
                **self._equations(),
            },
            variables=ebops_variables(self.site),
            parts=parts,
            arguments={
                "operands": (*self.inputs, *(mask for _, mask in masks)),
                "masks": tuple(kind for kind, _ in masks),
            },
        )

    def shares_projection(self) -> bool:
        """Whether keys and values are projected over places by the same numbers."""
        if self.fuse != "none":
            self.site.options.wrong("fuse", "none")
        shared = self.site.options.boolean("share_kv_proj", default=False)
        if shared and self.key != self.value:
            self.site.options.bad("keys and values of different shapes share a projection")
        return shared

    def linear(self, role: str, places: Shape, project: Projection) -> Part:
        """A projection over places: (*places, channels) to (*other places, channels)."""
        old, new = _letters(len(places), len(places))
        shape = self.key if role == "k" else self.value
        return self._linear(role, f"a{old}z,{old}{new}->a{new}z", shape, places, project)

    def linear_in_clusters(self, role: str, places: Shape, project: Projection) -> Part:
        """A projection within each of as many clusters as there are places afterwards."""
        return self._linear(role, "abcz,bc->abz", self.cut(role, places[0]), places, project)

    def cut(self, role: str, count: int) -> Shape:
        """Keys or values in `count` clusters of places, the last ones filled up."""
        places, channels = self.key if role == "k" else self.value
        return count, -(-places // count), channels

    # -- inside --------------------------------------------------------------

    def _part_shapes(self, parts: Mapping[str, Part], key: Shape, value: Shape) -> dict[str, Shape]:
        """Of what enters each part; a shared projection over places enters twice."""
        scores = (self.heads, *self.query[:-1], *key[:-1])
        shapes = {
            "query": self.query,
            "key": key,
            "value": value,
            "softmax": scores,
            "output": (*self.query[:-1], self.heads, self.value_dim),
        }
        if "lin_k" in parts:
            shapes |= {"lin_k": self.key, "lin_v": self.value}
        return shapes | ({"conv": scores} if "conv" in parts else {})

    def _linear(
        self, role: str, equation: str, shape: Shape, places: Shape, project: Projection
    ) -> Part:
        limits.check_tensor((math.prod(shape[:-1]) * math.prod(places),), self.site.where)
        options = self._options(equation, (*places, shape[-1]), None, True, False)
        return project(self.site, options, shape, f"_lin_{role}_proj")

    def _check(self) -> None:
        options = self.site.options
        if self.axes < 1 or any(len(s) != self.axes + 1 for s in (self.key, self.value)):
            options.bad(
                f"it is called on tensors of shapes {self.query}, {self.value} and {self.key}, "
                f"which should have places and channels"
            )
        given = plain_list(options.raw("attention_axes", None))
        given = list(range(1, self.axes + 1)) if given is None else given
        given = given if isinstance(given, list) else [given]
        rank = self.axes + 2
        if not all(is_whole(axis) and -rank <= axis < rank for axis in given):
            options.wrong("attention_axes", "a list of axes of the query")
        if [axis % rank for axis in given] != list(range(1, self.axes + 1)):
            self.site.unsupported(
                f"it attends along axes {given} of a tensor of {rank} axes, which hgq2 itself "
                f"cannot run",
                "Attend along all axes between batch and channels, in their order.",
            )
        self._check_fuse()
        if options.boolean("enable_oq", default=False):
            self.site.unsupported(
                "hgq2 cannot run an attention with an output quantizer",
                "Put a Quantizer behind the layer.",
            )
        # Of these, hgq2 keeps use_gate but has no gate.
        for name in ("oq_conf", "dropout", "softmax_allow_heterogeneous_table", "use_gate"):
            options.raw(name, None)

    def _check_fuse(self) -> None:
        shapes = {"none": [self.key], "kv": [self.key, self.value]}
        alike = shapes.get(self.fuse, [self.key, self.value, self.query])
        if len(set(alike)) != 1:
            self.site.options.bad(
                f"fuse is {self.fuse!r}, and what it fuses is of different shapes"
            )

    @cached_property
    def _output_shape(self) -> Shape:
        given = plain_list(self.site.options.raw("output_shape", None))
        if given is None:
            return self.query[-1:]
        sizes = given if isinstance(given, list) else [given]
        if not sizes or not all(is_whole(size) and size > 0 for size in sizes):
            self.site.options.wrong("output_shape", "null or a list of sizes above 0")
        return tuple(sizes)

    def _equations(self) -> dict[str, str]:
        asking, seen = _letters(self.axes, self.axes)
        return {
            "scores": f"{seen}hz,{asking}hz->h{asking}{seen}",
            "values": f"h{asking}{seen},{seen}hz->{asking}hz",
        }

    def _options(
        self, equation: str, output: Shape, bias_axes: str | None, has_iq: bool, has_oq: bool
    ) -> dict[str, Any]:
        raw = self.site.options.raw
        return {
            "equation": equation,
            "output_shape": list(output),
            "bias_axes": bias_axes,
            "enable_ebops": self._counts_ebops,
            "enable_iq": has_iq,
            "iq_conf": raw("qkvo_iq_conf", None),
            "enable_oq": has_oq,
            "oq_conf": raw("qkvo_oq_conf", None),
        }

    def _projection(self, role: str, shape: Shape, made: Shape, has_own: bool) -> Part:
        """From channels to (heads, dim); the key has no bias."""
        places = _letters(self.axes)[0]
        has_iq = has_own and self.site.options.boolean("enable_iq", default=True)
        options = self._options(
            f"a{places}z,zhy->a{places}hy",
            (*shape[:-1], *made),
            "hy" if self.use_bias and role != "key" else None,
            has_iq,
            True,
        )
        return self._project(self.site, options, shape, f"{role}_dense")

    def _output(self) -> Part:
        """From (heads, dim) to the layer's output."""
        places, made = _letters(self.axes, len(self._output_shape))
        options = self._options(
            f"a{places}hz,hz{made}->a{places}{made}",
            (*self.query[:-1], *self._output_shape),
            made if self.use_bias else None,
            True,
            False,
        )
        shape = (*self.query[:-1], self.heads, self.value_dim)
        return self._project(self.site, options, shape, "output_dense")

    def _softmax(self, scores: Shape) -> Part:
        raw = self.site.options.raw
        names = ("exp_iq_conf", "exp_oq_conf", "inv_iq_conf", "inv_oq_conf", "iq_conf", "oq_conf")
        options: dict[str, Any] = {name: raw(f"softmax_{name}", None) for name in names}
        options |= {
            "axes": list(range(2 + self.axes, 2 + 2 * self.axes)),
            "stable": raw("stable_softmax", True),
            "input_scaler": 1 / math.sqrt(self.key_dim),
            "enable_iq": False,
            "enable_oq": True,
            "enable_ebops": self._counts_ebops,
        }
        return self.site.part("QSoftmax", options, [scores], "_softmax")


def _inputs(site: Site) -> tuple[int, int, int]:
    """Positions of query, value and key; the value stands in for a key, the query for both."""
    given = [site.argument(n, name) for n, name in enumerate(("query", "value", "key"))]
    if given[0] is None:
        given[0] = Tensor(0)
    for n, other in ((1, given[0]), (2, given[1])):
        if given[n] is None:
            given[n] = given[1] if n == 2 else other
    if not all(isinstance(each, Tensor) for each in given):
        site.unsupported(
            "it is called on a constant",
            "Give it tensors of the model: an input, or a layer's output.",
        )
    query, value, key = (each.input for each in given)
    return query, value, key


def _letters(*counts: int) -> list[str]:
    """As many labels as wanted, in pieces; a, h, y and z are taken."""
    free = [c for c in string.ascii_lowercase + string.ascii_uppercase if c not in "ahyz"]
    ends = np.cumsum(counts).tolist()
    return ["".join(free[end - n : end]) for n, end in zip(counts, ends, strict=True)]


def _projected_places(site: Site, axes: int) -> Shape:
    return site.options.wholes("lin_kv_proj_dim", at_least=1, length=axes)


def _convolution(a: Attention, scores: Shape) -> dict[str, Part]:
    """Over the scores, whose channels are the heads; none where its size is 0."""
    site = a.site
    size = site.options.whole("conv_size", at_least=0, default=3)
    is_separate = site.options.boolean("separate_conv", default=False)
    if size == 0:
        return {}
    raw = site.options.raw
    options = {
        "filters": a.heads,
        "kernel_size": [size, size],
        "padding": "same",
        "data_format": "channels_first",
        "groups": a.heads if is_separate else 1,
        "use_bias": True,
        "enable_ebops": raw("enable_ebops", True),
        "enable_iq": True,
        "iq_conf": raw("qkvo_iq_conf", None),
        "kq_conf": raw("qkvo_kq_conf", None),
        "bq_conf": raw("qkvo_bq_conf", None),
    }
    return {"conv": site.part("QConv2D", options, [scores], "conv")}
