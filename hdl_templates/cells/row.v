// Row of two: d + s + ci, one LUT for each position where both have a bit.
//
// Two twins: where SYNTHESIS is defined (Vivado and Yosys do so when they synthesise) cells of AMD 7
// series and UltraScale, elsewhere behaviour. HGQ2RTL_NO_PRIMITIVES asks for the behaviour always.
// The LUTs are inferred, so that they may absorb what feeds s; d goes to the chain as it is.
`ifndef SYNTHESIS
`ifndef HGQ2RTL_NO_PRIMITIVES
`define HGQ2RTL_NO_PRIMITIVES
`endif
`endif

module hgq2rtl__row #(
  parameter WIDTH = 1,
  parameter RESULT = WIDTH + 1
) (
  input [WIDTH-1:0] d,
  input [WIDTH-1:0] s,
  input ci,
  output [RESULT-1:0] o
);
`ifdef HGQ2RTL_NO_PRIMITIVES
  wire [WIDTH:0] total = {1'b0, d} + {1'b0, s} + {{WIDTH{1'b0}}, ci};
  assign o = total[RESULT-1:0];
`else
  hgq2rtl__chain #(.WIDTH(WIDTH), .RESULT(RESULT)) chain (.s(d ^ s), .di(d), .ci(ci), .o(o));
`endif
endmodule
