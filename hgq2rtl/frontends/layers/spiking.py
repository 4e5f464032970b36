"""Spiking neurons: QSimpleSNN and QLIF, and their cells.

``config`` of the cells: units, reset_mechanism (``subtract``, ``zero`` or ``none``), inhibition
(only the neuron furthest above its threshold spikes). The record's arrays are ``threshold``,
``graded_spikes_factor`` and, in QLIFCell, ``beta``, each one number or one for each unit.
"""

from __future__ import annotations

from ..hdf5 import Variable
from ..options import is_number, plain_list
from ..schema import Plan, Shape, Site, Slot, ebops_variables, reads
from .cells import cell_plan, data_slot, features
from .recurrent import own_cell, recurrence

_OPTIONS = (
    "units threshold spike_grad surrogate_disable inhibition learn_threshold reset_mechanism "
    "detach_reset graded_spikes_factor learn_graded_spikes_factor enable_iq enable_sq enable_oq "
    "iq_conf sq_conf oq_conf graded_spikes_factor_q_conf"
).split()
_LEAKING = "beta learn_beta beta_q_conf".split()

_TRAINING_ONLY = ("spike_grad", "surrogate_disable", "detach_reset", "standalone")


@reads("QSimpleSNN")
def simple_snn(site: Site) -> Plan:
    """Neurons that add up. The file describes the cell twice; the layer's own options count."""
    site.options.raw("cell", None)
    cell = own_cell(site, "QSimpleSNNCell", _OPTIONS)
    return recurrence(site, cell, ebops_variables(site))


@reads("QLIF")
def lif(site: Site) -> Plan:
    """Neurons that leak."""
    site.options.raw("cell", None)
    cell = own_cell(site, "QLIFCell", [*_OPTIONS, *_LEAKING])
    return recurrence(site, cell, ebops_variables(site))


@reads("QSimpleSNNCell")
def simple_snn_cell(site: Site) -> Plan:
    """One step of QSimpleSNN."""
    return _spiking(site, ("threshold", "graded_spikes_factor"))


@reads("QLIFCell")
def lif_cell(site: Site) -> Plan:
    """One step of QLIF."""
    return _spiking(site, ("beta", "threshold", "graded_spikes_factor"))


def _spiking(site: Site, names: tuple[str, ...]) -> Plan:
    options = site.options
    units = options.whole("units", at_least=1)
    if features(site) != units:
        options.bad(f"{units} neurons take {units} inputs, one each, and get {features(site)}")
    for name in _TRAINING_ONLY:
        options.raw(name, None)
    shapes = {name: _parameter(site, name, units) for name in names}
    is_learned = {name: options.boolean(f"learn_{name}", default=False) for name in names}
    stored = sorted(names, key=lambda name: not is_learned[name])  # trainables come first
    places = (("input", "iq"), ("state", "sq"), ("output", "oq"))
    data = {name: data_slot(site, place, name, (units,)) for place, name in places}
    switched_on = {
        "iq": options.boolean("enable_iq", default=True),
        "sq": options.boolean("enable_sq", default=True),
        "oq": options.boolean("enable_oq", default=False),
    }
    plan = Plan(
        output=(units,),
        further_outputs=((units,),),
        config={
            "units": units,
            "inhibition": options.boolean("inhibition", default=False),
            "reset_mechanism": options.word(
                "reset_mechanism", ("subtract", "zero", "none"), default="subtract"
            ),
        },
        variables=(*(Variable(name, shapes[name]) for name in stored), *ebops_variables(site)),
        slots=(
            *(slot for name, slot in data.items() if switched_on[name]),
            *(_parameter_slot(site, name, shapes[name]) for name in names if name != "threshold"),
        ),
    )
    return cell_plan(site, plan)


def _parameter(site: Site, name: str, units: int) -> Shape:
    """Shape of a parameter of the neurons: one number, or a list with one for each unit."""
    value = plain_list(site.options.raw(name))
    if is_number(value):
        return ()
    if not isinstance(value, list) or len(value) != units or not all(map(is_number, value)):
        site.options.wrong(name, f"a finite number, or a list of {units} of them")
    return (units,)


def _parameter_slot(site: Site, name: str, shape: Shape) -> Slot:
    raw = site.options.raw(f"{name}_q_conf", None)
    return Slot(name, "weight", raw, f"{name}_q_conf", f"{name}_q/quantizer", shape)
