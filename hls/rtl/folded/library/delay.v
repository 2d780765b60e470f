`timescale 1ns / 1ps

// A pulse again after CLOCKS clocks; the next one may come then, not before.
module folded_delay #(
    parameter CLOCKS = 1
) (
    input clk,
    input rst,
    input pulse,
    output delayed
);
  localparam BITS = $clog2(CLOCKS + 1);
  reg [BITS-1:0] left;
  assign delayed = left == 1;
  always @(posedge clk)
    if (rst) left <= 0;
    else if (pulse) left <= CLOCKS;
    else if (left != 0) left <= left - 1;
endmodule
