`timescale 1ns / 1ps

// One output: the largest of the values that come after FIRST, or their sum.
module folded_pool_lane #(
    parameter MAXIMUM = 0,
    parameter X_BITS = 1,
    parameter X_SIGNED = 0,
    parameter SUM_BITS = 1
) (
    input clk,
    input [X_BITS-1:0] x,
    input first,
    output [SUM_BITS-1:0] sum
);
  localparam WIDE = (SUM_BITS > X_BITS) ? SUM_BITS : X_BITS;
  wire [WIDE:0] value = {{(WIDE + 1 - X_BITS) {X_SIGNED == 1 && x[X_BITS-1]}}, x};
  generate
    if (MAXIMUM == 1) begin : largest
      reg [X_BITS-1:0] most;
      wire signed [X_BITS:0] so_far = {X_SIGNED == 1 && most[X_BITS-1], most};
      wire signed [X_BITS:0] now = value[X_BITS:0];
      wire signed [X_BITS:0] result = so_far;
      always @(posedge clk) if (first || now > so_far) most <= x;
      wire [WIDE:0] widened = {{(WIDE - X_BITS) {result[X_BITS]}}, result};
      assign sum = widened[SUM_BITS-1:0];
    end else begin : total
      reg [SUM_BITS-1:0] running;
      always @(posedge clk) running <= (first ? {SUM_BITS{1'b0}} : running) + value[SUM_BITS-1:0];
      assign sum = running;
    end
  endgenerate
endmodule
