// a where the bit is WHEN, else 0; two positions of it in a LUT.
//
// Two twins: where SYNTHESIS is defined (Vivado and Yosys do so when they synthesise) cells of AMD 7
// series and UltraScale, elsewhere behaviour. HGQ2RTL_NO_PRIMITIVES asks for the behaviour always.
`ifndef SYNTHESIS
`ifndef HGQ2RTL_NO_PRIMITIVES
`define HGQ2RTL_NO_PRIMITIVES
`endif
`endif

module hgq2rtl__mask #(
  parameter WIDTH = 1,
  parameter WHEN = 1'b1
) (
  input [WIDTH-1:0] a,
  input bit_,
  output [WIDTH-1:0] o
);
`ifdef HGQ2RTL_NO_PRIMITIVES
  assign o = a & {WIDTH{bit_ == WHEN}};
`else
  // Inputs bit, a[n + 1], a[n].
  localparam [63:0] CONTENTS = WHEN ? {{4{8'hc0}}, {4{8'ha0}}} : {{4{8'h0c}}, {4{8'h0a}}};
  genvar n;
  generate
    for (n = 0; n + 1 < WIDTH; n = n + 2) begin : pair
      LUT6_2 #(.INIT(CONTENTS)) lut (
        .I0(a[n]), .I1(a[n+1]), .I2(bit_), .I3(1'b0), .I4(1'b0), .I5(1'b1),
        .O5(o[n]), .O6(o[n+1])
      );
    end
    if (WIDTH % 2) assign o[WIDTH-1] = WHEN ? a[WIDTH-1] & bit_ : a[WIDTH-1] & ~bit_;
  endgenerate
`endif
endmodule
