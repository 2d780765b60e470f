`timescale 1ns / 1ps

// Which word of a memory of DEPTH words the step of a sequencer reads: each loop that turns adds a constant, modulo the
// depth. After the last step it stands where the next event begins.
module folded_address #(
    parameter DEPTH = 1,
    parameter ORIGIN = 0,
    parameter WORD = 0,
    parameter KX = 0,
    parameter KY = 0,
    parameter GROUP = 0,
    parameter OX = 0,
    parameter OY = 0,
    parameter EVENT = 0
) (
    input clk,
    input rst,
    input run,
    input [6:0] ends,
    output [31:0] address
);
  generate
    if (DEPTH == 1) begin : one
      assign address = 0;
    end else begin : many
      localparam BITS = $clog2(DEPTH);
      reg [BITS-1:0] at;
      reg [BITS-1:0] jump;
      assign address = {{(32 - BITS) {1'b0}}, at};
      always @*
        if (!ends[0]) jump = 0;
        else if (!ends[1]) jump = WORD;
        else if (!ends[2]) jump = KX;
        else if (!ends[3]) jump = KY;
        else if (!ends[4]) jump = GROUP;
        else if (!ends[5]) jump = OX;
        else if (!ends[6]) jump = OY;
        else jump = EVENT;
      wire [BITS:0] sum = at + jump;
      wire [BITS:0] turned = sum - DEPTH;
      always @(posedge clk)
        if (rst) at <= ORIGIN;
        else if (run) at <= ((DEPTH & (DEPTH - 1)) != 0 && !turned[BITS]) ? turned[BITS-1:0] : sum[BITS-1:0];
    end
  endgenerate
endmodule
