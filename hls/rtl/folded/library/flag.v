`timescale 1ns / 1ps

// A flag that travels beside data for CLOCKS clocks; a reset forgets it.
module folded_flag #(
    parameter CLOCKS = 1
) (
    input clk,
    input rst,
    input flag,
    output delayed
);
  reg [CLOCKS-1:0] flags;
  assign delayed = flags[CLOCKS-1];
  always @(posedge clk) flags <= rst ? {CLOCKS{1'b0}} : (flags << 1) | flag;
endmodule
