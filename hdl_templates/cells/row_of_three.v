// Row of three: (d ^ D_INVERT) + (s ^ S_INVERT) + (z ^ Z_INVERT) + ci, one LUT for each position.
//
// Two twins: where SYNTHESIS is defined (Vivado and Yosys do so when they synthesise) cells of AMD 7
// series and UltraScale, elsewhere behaviour. HGQ2RTL_NO_PRIMITIVES asks for the behaviour always.
// A LUT of a position in COMPRESSED adds its three bits: the sum goes on the chain, beside the save
// carry of the position below. Elsewhere z has no bit, and above such a position d has none.
// Where the last position is compressed there is no carry out: RESULT is WIDTH.
`ifndef SYNTHESIS
`ifndef HGQ2RTL_NO_PRIMITIVES
`define HGQ2RTL_NO_PRIMITIVES
`endif
`endif

module hgq2rtl__row_of_three #(
  parameter WIDTH = 1,
  parameter RESULT = WIDTH + 1,
  parameter [WIDTH-1:0] D_INVERT = 0,
  parameter [WIDTH-1:0] S_INVERT = 0,
  parameter [WIDTH-1:0] Z_INVERT = 0,
  parameter [WIDTH-1:0] COMPRESSED = 0
) (
  input [WIDTH-1:0] d,
  input [WIDTH-1:0] s,
  input [WIDTH-1:0] z,
  input ci,
  output [RESULT-1:0] o
);
`ifdef HGQ2RTL_NO_PRIMITIVES
  wire [WIDTH:0] total = {1'b0, d ^ D_INVERT} + {1'b0, s ^ S_INVERT} + {1'b0, z ^ Z_INVERT}
      + {{WIDTH{1'b0}}, ci};
  assign o = total[RESULT-1:0];
`else
  localparam [WIDTH:0] ABOVE = {COMPRESSED, 1'b0};
  wire [WIDTH:0] save;
  wire [WIDTH-1:0] sum;
  wire [WIDTH-1:0] di;
  assign save[0] = 1'b0;
  genvar n;
  generate
    for (n = 0; n < WIDTH; n = n + 1) begin : position
      if (COMPRESSED[n]) begin
        // Inputs save, z, s, d: O5 is the majority of the three bits, O6 the parity of all four.
        localparam [15:0] D = D_INVERT[n] ? 16'h5555 : 16'haaaa;
        localparam [15:0] S = S_INVERT[n] ? 16'h3333 : 16'hcccc;
        localparam [15:0] Z = Z_INVERT[n] ? 16'h0f0f : 16'hf0f0;
        localparam [15:0] MAJORITY = (D & S) | (D & Z) | (S & Z);
        localparam [15:0] PARITY = D ^ S ^ Z ^ 16'hff00;
        LUT6_2 #(.INIT({PARITY, PARITY, MAJORITY, MAJORITY})) lut (
          .I0(d[n]), .I1(s[n]), .I2(z[n]), .I3(save[n]), .I4(1'b0), .I5(1'b1),
          .O5(save[n+1]), .O6(sum[n])
        );
        assign di[n] = save[n];
      end else if (ABOVE[n]) begin
        assign sum[n] = s[n] ^ S_INVERT[n] ^ save[n];
        assign di[n] = save[n];
        assign save[n+1] = 1'b0;
      end else if (D_INVERT[n]) begin
        LUT6_2 #(.INIT({{8{4'h9 ^ {4{S_INVERT[n]}}}}, {8{4'h5}}})) lut (
          .I0(d[n]), .I1(s[n]), .I2(1'b0), .I3(1'b0), .I4(1'b0), .I5(1'b1),
          .O5(di[n]), .O6(sum[n])
        );
        assign save[n+1] = 1'b0;
      end else begin
        assign sum[n] = d[n] ^ s[n] ^ S_INVERT[n];
        assign di[n] = d[n];
        assign save[n+1] = 1'b0;
      end
    end
  endgenerate
  hgq2rtl__chain #(.WIDTH(WIDTH), .RESULT(RESULT)) chain (.s(sum), .di(di), .ci(ci), .o(o));
`endif
endmodule
