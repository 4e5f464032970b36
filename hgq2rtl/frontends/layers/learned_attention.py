"""Attention whose projections are learned tables: QMultiHeadAttentionT, QLinformerAttentionT.

Records and parts are those of :mod:`.attention`, with QEinsumDenseT for the projections.
"""

from __future__ import annotations

from typing import Any

from ..schema import Part, Plan, Shape, Site, reads
from .attention import dense, linformer_attention, multi_head_attention

_OF_TABLES = """n_hl d_hl subnn_activation batch_norm bn_center bn_scale bn_momentum
    bn_epsilon""".split()
"""Options that all projections share."""


@reads("QMultiHeadAttentionT")
def multi_head_attention_of_tables(site: Site) -> Plan:
    """QMultiHeadAttention with tables for query, key, value and output."""
    _read_options(site)
    return multi_head_attention(site, project=tables)


@reads("QLinformerAttentionT")
def linformer_attention_of_tables(site: Site) -> Plan:
    """The same for QLinformerAttention; what projects places may be dense."""
    _read_options(site)
    mode = site.options.word("lin_kv_proj_mode", ("dense", "dense_t"), default="dense_t")
    return linformer_attention(site, tables, dense if mode == "dense" else tables)


def tables(site: Site, options: dict[str, Any], shape: Shape, folder: str) -> Part:
    """A projection of learned tables."""
    given = {name: site.options.raw(name) for name in _OF_TABLES if site.options.has(name)}
    given["toq_conf"] = site.options.raw("qkvo_toq_conf", None)
    return site.part("QEinsumDenseT", {**options, **given}, [shape], folder)


def _read_options(site: Site) -> None:
    site.options.raw("table_spec", None)
