"""From a tree of models to one list of calls, in topological order.

Nested models vanish: each use of one becomes the calls inside. Only what the
outputs need is visited. The walk keeps its own stack, so a chain of any length
is fine, and counts what it visits, so nested models that use each other many
times cannot multiply without end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import BadModelFile, TooLarge
from . import limits
from .topology import Entry, Model, Node, Reference
from .untrusted import place, shown

_ADVICE = "The file is damaged or was edited; save the model again."

Emit = Callable[[Entry, Node, tuple[int, ...]], list[int]]
"""Takes a layer, its use and its input tensors; gives the tensors that come out."""


class Flattener:
    """Walks models and hands every call to `emit`.

    Parameters
    ----------
    source : str
        The file, for messages.
    emit : callable
        Takes each call, sources first.
    check_declared : callable
        Takes a tensor, the shape that the file declares for it, and where; refuses a wrong one.
    """

    def __init__(
        self, source: str, emit: Emit, check_declared: Callable[[int, Reference, str], None]
    ):
        self._source = source
        self._emit = emit
        self._check_declared = check_declared
        self._visited = 0
        self._orders: dict[int, list[_Use]] = {}

    def run(self, model: Model, inputs: Sequence[int]) -> list[int]:
        """The output tensors of `model` for its input tensors.

        Raises
        ------
        BadModelFile
            If a reference leads nowhere, calls form a cycle, or a use does not fit a model.
        TooLarge
            If there are more calls than any circuit has.
        """
        inside = _Inside(model, self._source)
        inside.bind(inputs)
        for use in self._order(model, inside):
            self._visited += 1
            if self._visited > limits.CALLS:
                raise TooLarge(
                    f"{self._source}: the model makes more than {limits.CALLS} layer calls, "
                    f"nested ones counted. Build a smaller model."
                )
            if not use.entry.is_input:
                inside.values[use.key] = self._outputs(use, inside)
        return [inside.tensor(reference) for reference in model.outputs]

    def _outputs(self, use: _Use, inside: _Inside) -> list[int]:
        tensors = tuple(inside.tensor(reference) for reference in use.node.inputs)
        where = place(use.entry.name, use.entry.class_name, self._source)
        for tensor, reference in zip(tensors, use.node.inputs, strict=True):
            self._check_declared(tensor, reference, where)
        if use.entry.model is None:
            return self._emit(use.entry, use.node, tensors)
        if len(tensors) != len(use.entry.model.inputs):
            raise BadModelFile(
                f"{where}: the model takes {len(use.entry.model.inputs)} inputs and is called "
                f"with {len(tensors)}. {_ADVICE}"
            )
        return self.run(use.entry.model, tensors)

    def _order(self, model: Model, inside: _Inside) -> list[_Use]:
        """The uses that the outputs need, sources first; found once for each model."""
        if id(model) not in self._orders:
            self._orders[id(model)] = _sources_first(model, inside)
        return self._orders[id(model)]


@dataclass(frozen=True, eq=False)
class _Use:
    entry: Entry
    key: tuple[str, int]
    """Layer and number of the use: what references name."""

    @property
    def node(self) -> Node:
        return self.entry.nodes[self.key[1]]

    @property
    def sources(self) -> tuple[Reference, ...]:
        return () if self.entry.is_input else self.node.inputs


class _Inside:
    """The tensors within one use of a model."""

    def __init__(self, model: Model, source: str):
        self.model = model
        self.source = source
        self.values: dict[tuple[str, int], list[int]] = {}

    def bind(self, inputs: Sequence[int]) -> None:
        """Give the model's input layers their tensors."""
        for reference, tensor in zip(self.model.inputs, inputs, strict=True):
            self.values[reference.layer, 0] = [tensor]

    def use(self, reference: Reference) -> _Use:
        """The use that a reference names, checked."""
        entry = self.model.entries.get(reference.layer)
        if entry is None:
            raise BadModelFile(
                f"{self.source}: a layer {shown(reference.layer)!r} is referred to that is not "
                f"there. {_ADVICE}"
            )
        where = place(entry.name, entry.class_name, self.source)
        if entry.is_input and (reference.layer, 0) not in self.values:
            raise BadModelFile(f"{where}: the layer is no input of its model. {_ADVICE}")
        if not entry.uses:
            raise BadModelFile(f"{where}: the layer is used, but has no inbound node. {_ADVICE}")
        if reference.node >= entry.uses:
            raise BadModelFile(
                f"{where}: its call number {reference.node} is referred to; it has {entry.uses}. "
                f"{_ADVICE}"
            )
        return _Use(entry, (reference.layer, reference.node))

    def tensor(self, reference: Reference) -> int:
        """The tensor that a reference names; its source has been visited."""
        outputs = self.values[reference.layer, reference.node]
        if reference.tensor >= len(outputs):
            entry = self.model.entries[reference.layer]
            raise BadModelFile(
                f"{place(entry.name, entry.class_name, self.source)}: its output number "
                f"{reference.tensor} is referred to; it has {len(outputs)}. {_ADVICE}"
            )
        return outputs[reference.tensor]


def _sources_first(model: Model, inside: _Inside) -> list[_Use]:
    """Depth-first from the outputs, with a stack of its own."""
    found: list[_Use] = []
    done: set[tuple[str, int]] = set()
    open_uses: set[tuple[str, int]] = set()
    stack = [inside.use(reference) for reference in reversed(model.outputs)]
    while stack:
        use = stack[-1]
        if use.key in done:
            stack.pop()
        elif use.key in open_uses:
            stack.pop()
            open_uses.remove(use.key)
            done.add(use.key)
            found.append(use)
        else:
            open_uses.add(use.key)
            sources = [inside.use(reference) for reference in reversed(use.sources)]
            stack += [_not_open(source, open_uses, inside.source) for source in sources]
    return found


def _not_open(use: _Use, open_uses: set[tuple[str, int]], source: str) -> _Use:
    if use.key in open_uses:
        raise BadModelFile(
            f"{place(use.entry.name, use.entry.class_name, source)}: the layer takes its own "
            f"output, by way of others, as an input. A network without state has no cycles; "
            f"save the model again."
        )
    return use
