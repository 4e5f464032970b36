// a where the bit is 1, else b; two positions of it in a LUT.
//
// Two twins: where SYNTHESIS is defined (Vivado and Yosys do so when they synthesise) cells of AMD 7
// series and UltraScale, elsewhere behaviour. HGQ2RTL_NO_PRIMITIVES asks for the behaviour always.
`ifndef SYNTHESIS
`ifndef HGQ2RTL_NO_PRIMITIVES
`define HGQ2RTL_NO_PRIMITIVES
`endif
`endif

module hgq2rtl__choose #(
  parameter WIDTH = 1
) (
  input bit_,
  input [WIDTH-1:0] a,
  input [WIDTH-1:0] b,
  output [WIDTH-1:0] o
);
`ifdef HGQ2RTL_NO_PRIMITIVES
  assign o = bit_ ? a : b;
`else
  // Inputs bit, b[n + 1], a[n + 1], b[n], a[n].
  genvar n;
  generate
    for (n = 0; n + 1 < WIDTH; n = n + 2) begin : pair
      LUT6_2 #(.INIT({32'hf0f0ff00, 32'haaaacccc})) lut (
        .I0(a[n]), .I1(b[n]), .I2(a[n+1]), .I3(b[n+1]), .I4(bit_), .I5(1'b1),
        .O5(o[n]), .O6(o[n+1])
      );
    end
    if (WIDTH % 2) assign o[WIDTH-1] = bit_ ? a[WIDTH-1] : b[WIDTH-1];
  endgenerate
`endif
endmodule
