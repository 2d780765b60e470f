`timescale 1ns / 1ps

// The part of a word that a step of the sequencer reads, or FILL where its window reaches beyond the H x W positions of
// the tensor. The counters are those of the clock before the word.
module folded_operand #(
    parameter BITS = 1,
    parameter PARTS = 1,
    parameter PADDED = 0,
    parameter [BITS-1:0] FILL = 0,
    parameter H = 1,
    parameter W = 1,
    parameter STRIDE_Y = 1,
    parameter STRIDE_X = 1,
    parameter DILATION_Y = 1,
    parameter DILATION_X = 1,
    parameter TOP = 0,
    parameter LEFT = 0
) (
    input clk,
    input [31:0] part,
    input [31:0] kx,
    input [31:0] ky,
    input [31:0] ox,
    input [31:0] oy,
    input [BITS*PARTS-1:0] word,
    output reg [BITS-1:0] value
);
  reg [31:0] chosen;
  reg inside_frame;
  // Before the first position the difference is a large number, as none is negative.
  wire [15:0] y = oy * STRIDE_Y + ky * DILATION_Y - TOP;
  wire [15:0] x = ox * STRIDE_X + kx * DILATION_X - LEFT;
  always @(posedge clk) begin
    chosen <= part;
    inside_frame <= PADDED == 0 || (y < H && x < W);
    value <= inside_frame ? word[chosen*BITS+:BITS] : FILL;
  end
endmodule
