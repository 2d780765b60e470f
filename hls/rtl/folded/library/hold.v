`timescale 1ns / 1ps

// Keeps what it saw when CAPTURE was last high.
module folded_hold #(
    parameter BITS = 1
) (
    input clk,
    input capture,
    input [BITS-1:0] value,
    output reg [BITS-1:0] held
);
  always @(posedge clk) if (capture) held <= value;
endmodule
