`timescale 1ns / 1ps

// One of the words that stand in a register of the whole event, a clock later.
module folded_frame #(
    parameter BITS = 1,
    parameter WORDS = 1
) (
    input clk,
    input [BITS*WORDS-1:0] frame,
    input [31:0] address,
    output reg [BITS-1:0] word
);
  always @(posedge clk) word <= frame[address*BITS+:BITS];
endmodule
