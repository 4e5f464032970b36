"""Keras' wrappers: a layer on every step of a sequence, or along it in both directions.

``config`` of the records:

TimeDistributed
    nothing; its part is ``layer``, and the call's ``layer`` are the arguments of the part.
Bidirectional
    merge_mode, return_sequences; its parts are ``forward`` and ``backward``. Its call is
    described as that of a recurrent layer is.
"""

from __future__ import annotations

from ..nested import nested_part
from ..schema import Part, Plan, Shape, Site, reads
from ..untrusted import value_shown
from .recurrent import call_states, sequence_mask

_MERGES = ("sum", "mul", "ave", "concat")


@reads("TimeDistributed", package="keras")
def time_distributed(site: Site) -> Plan:
    """One layer on each step, without its own memory of the others."""
    steps, *shape = _sequence(site)
    site.argument(1, "training")
    described = site.options.raw("layer")
    part = nested_part(site, "layer", described, [tuple(shape)], "layer")
    if part.plan.further_outputs:
        site.unsupported(
            "the layer that it holds gives several tensors",
            "Wrap a layer with one output (return_state=False).",
        )
    return Plan(
        output=(steps, *part.plan.output),
        parts={"layer": part},
        arguments={"layer": part.plan.arguments},
    )


@reads("Bidirectional", package="keras")
def bidirectional(site: Site) -> Plan:
    """A recurrent layer in each direction."""
    options = site.options
    merge = options.raw("merge_mode", "concat")
    if merge is not None:
        merge = options.word("merge_mode", _MERGES)
    forward = _direction(site, "layer", "forward_layer")
    backward = _direction(site, "backward_layer", "backward_layer")
    _check_agreement(site, forward, backward)
    config = forward.plan.config
    outputs = _merged(site, merge, forward.plan, backward.plan)
    states = (*_states_of(forward), *_states_of(backward))
    for name in ("weights", "stateful"):
        options.raw(name, None)
    return Plan(
        output=outputs[0],
        further_outputs=(*outputs[1:], *(states if config["return_state"] else ())),
        config={
            "merge_mode": merge,
            "return_sequences": config["return_sequences"],
        },
        parts={"forward": forward, "backward": backward},
        arguments={
            "operands": (0, *call_states(site, "initial_state", states)),
            "mask": sequence_mask(site, _sequence(site)[0]),
        },
    )


def _sequence(site: Site) -> Shape:
    shape = site.shapes[0]
    if len(shape) < 2:
        site.options.bad(f"its input has the shape {value_shown(shape)}, and a sequence has more")
    return shape


def _direction(site: Site, option: str, folder: str) -> Part:
    part = nested_part(site, option, site.options.raw(option), [site.shapes[0]], folder)
    if "cell" not in part.plan.parts:
        site.unsupported(
            f"its {option} is no recurrent layer", "Wrap a QSimpleRNN, QGRU, QLIF, or an RNN."
        )
    return part


def _check_agreement(site: Site, forward: Part, backward: Part) -> None:
    """What Keras demands of the two."""
    one, other = forward.plan.config, backward.plan.config
    for name in ("return_sequences", "return_state"):
        if one[name] != other[name]:
            site.options.bad(f"its two layers differ in {name}")
    if one["go_backwards"] == other["go_backwards"]:
        site.options.bad("its two layers go the same way along the sequence")


def _states_of(part: Part) -> tuple[Shape, ...]:
    """Shapes of the states of a recurrent layer."""
    return part.plan.parts["cell"].plan.further_outputs


def _merged(site: Site, merge: str | None, forward: Plan, backward: Plan) -> tuple[Shape, ...]:
    """Shapes of the outputs without the states."""
    one, other = forward.output, backward.output
    if merge is None:
        return one, other
    if merge == "concat":
        return ((*one[:-1], one[-1] + other[-1]),)
    if one != other:
        site.options.bad(
            f"outputs of shapes {value_shown(one)} and {value_shown(other)} do not merge by "
            f"{merge!r}"
        )
    return (one,)
