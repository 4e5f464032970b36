"""Names of any kind become legal, unique Verilog identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 48
"""Characters kept of a name."""

RESERVED = frozenset(
    """
    accept_on alias always always_comb always_ff always_latch and assert assign assume automatic
    before begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle
    checker class clocking cmos config const constraint context continue cover covergroup
    coverpoint cross deassign default defparam design disable dist do edge else end endcase
    endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface
    endmodule endpackage endprimitive endprogram endproperty endsequence endspecify endtable
    endtask enum event eventually expect export extends extern final first_match for force foreach
    forever fork forkjoin function generate genvar global highz0 highz1 if iff ifnone ignore_bins
    illegal_bins implements implies import incdir include initial inout input inside instance int
    integer interconnect interface intersect join join_any join_none large let liblist library
    local localparam logic longint macromodule matches medium modport module nand negedge nettype
    new nexttime nmos nor noshowcancelled not notif0 notif1 null or output package packed parameter
    pmos posedge primitive priority program property protected pull0 pull1 pulldown pullup
    pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence rcmos real
    realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1
    s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal
    showcancelled signed small soft solve specify specparam static string strong strong0 strong1
    struct super supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout
    time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef
    union unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait
    wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor
    abs access after all architecture array attribute block body buffer bus component configuration
    constant disconnect downto elsif entity exit file generic group guarded impure in inertial is
    label linkage literal loop map mod next of on open others out port postponed procedure process
    range record register reject rem report return rol ror select severity shared signal sla sll
    sra srl subtype then to transport unaffected units until variable when
    """.split()
)
"""Keywords of SystemVerilog (IEEE 1800-2017, annex B) and VHDL-2008: simulators,
mixed-language projects and later writers all stumble over them."""


def identifier(name: str) -> str:
    """`name` with everything illegal replaced: letters, digits, underscores; starts with a letter.

    >>> identifier("layer/1 (x)"), identifier("module"), identifier("3d")
    ('layer_1_x', 'module_', 'n3d')
    """
    plain = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    if not plain:
        return "unnamed"
    if not plain[0].isalpha():
        plain = "n" + plain
    plain = plain[:LONGEST].rstrip("_")
    return plain + "_" if plain.lower() in RESERVED else plain


def unique_identifiers(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """An identifier for each name, no two equal even if case is ignored.

    A name that collides gets the first free number behind it.
    """
    used = {name.lower() for name in taken}
    result = []
    for name in names:
        base = candidate = identifier(name)
        number = 1
        while candidate.lower() in used:
            number += 1
            candidate = f"{base}_{number}"
        used.add(candidate.lower())
        result.append(candidate)
    return result
