// Carry chain: where s is 1 the carry passes, elsewhere it is di; o is s ^ carry. So it adds di,
// di ^ s and ci. RESULT is WIDTH, or one more for the carry out.
//
// Two twins: where SYNTHESIS is defined (Vivado and Yosys do so when they synthesise) cells of AMD 7
// series and UltraScale, elsewhere behaviour. HGQ2RTL_NO_PRIMITIVES asks for the behaviour always.
// CARRY4 is a cell of 7 series; Vivado makes CARRY8 of it for UltraScale and later.
`ifndef SYNTHESIS
`ifndef HGQ2RTL_NO_PRIMITIVES
`define HGQ2RTL_NO_PRIMITIVES
`endif
`endif

module hgq2rtl__chain #(
  parameter WIDTH = 1,
  parameter RESULT = WIDTH + 1
) (
  input [WIDTH-1:0] s,
  input [WIDTH-1:0] di,
  input ci,
  output [RESULT-1:0] o
);
`ifdef HGQ2RTL_NO_PRIMITIVES
  wire [WIDTH:0] total = {1'b0, di} + {1'b0, di ^ s} + {{WIDTH{1'b0}}, ci};
  assign o = total[RESULT-1:0];
`else
  localparam BLOCKS = (WIDTH + 3) / 4;
  wire [4*BLOCKS-1:0] all_s = s;
  wire [4*BLOCKS-1:0] all_di = di;
  wire [4*BLOCKS-1:0] all_o;
  wire [4*BLOCKS-1:0] all_co;
  genvar n;
  generate
    for (n = 0; n < BLOCKS; n = n + 1) begin : block
      if (n == 0)
        CARRY4 cell_ (
          .CI(1'b0), .CYINIT(ci), .DI(all_di[3:0]), .S(all_s[3:0]),
          .O(all_o[3:0]), .CO(all_co[3:0])
        );
      else
        CARRY4 cell_ (
          .CI(all_co[4*n-1]), .CYINIT(1'b0), .DI(all_di[4*n+:4]), .S(all_s[4*n+:4]),
          .O(all_o[4*n+:4]), .CO(all_co[4*n+:4])
        );
    end
    // A slice has one way out for O and CO of a position: where the last block has a position
    // left, the carry leaves as its O.
    if (RESULT > WIDTH && WIDTH % 4 == 0) assign o[WIDTH] = all_co[WIDTH-1];
    else if (RESULT > WIDTH) assign o[WIDTH] = all_o[WIDTH];
  endgenerate
  assign o[WIDTH-1:0] = all_o[WIDTH-1:0];
`endif
endmodule
