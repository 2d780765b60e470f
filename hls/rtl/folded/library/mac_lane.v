`timescale 1ns / 1ps

// One output: products, an adder tree with a register a level, and an accumulator that begins with the bias. It has
// exactly the bits of the final sum, modulo which every partial sum is right.
module folded_mac_lane #(
    parameter SIMD = 1,
    parameter X_BITS = 1,
    parameter X_SIGNED = 0,
    parameter W_BITS = 1,
    parameter W_SIGNED = 0,
    parameter BIAS_BITS = 1,
    parameter SUM_BITS = 1,
    parameter SHIFT = 0,  // bits by which the grid of the sum is finer than that of the products
    parameter IN_LUTS = 0
) (
    input clk,
    input [SIMD*X_BITS-1:0] x,
    input [SIMD*W_BITS-1:0] w,
    input signed [BIAS_BITS-1:0] bias,
    input first,
    output reg [SUM_BITS-1:0] sum
);
  localparam LEVELS = $clog2(SIMD);
  localparam LEAVES = 1 << LEVELS;
  localparam KEPT = (SUM_BITS > SHIFT) ? SUM_BITS - SHIFT : 1;
  localparam WHOLE = X_BITS + W_BITS + ((X_SIGNED == 0 && W_SIGNED == 0) ? 1 : 0);
  localparam PRODUCT = (WHOLE < KEPT) ? WHOLE : KEPT;
  localparam TOTAL = (PRODUCT + LEVELS < KEPT) ? PRODUCT + LEVELS : KEPT;

  genvar i, l;
  generate
    for (l = 0; l <= LEVELS; l = l + 1) begin : level
      localparam BITS = (PRODUCT + l < KEPT) ? PRODUCT + l : KEPT;
      for (i = 0; i < (LEAVES >> l); i = i + 1) begin : node
        reg signed [BITS-1:0] total;
      end
    end
    for (i = 0; i < LEAVES; i = i + 1) begin : leaf
      if (i < SIMD) begin : used
        wire [PRODUCT-1:0] product;
        if (IN_LUTS == 1) begin : in_luts
          folded_multiplier #(
              .BW_INPUT0(X_BITS), .BW_INPUT1(W_BITS), .SIGNED0(X_SIGNED), .SIGNED1(W_SIGNED), .BW_OUT(PRODUCT)
          ) multiplier (x[i*X_BITS+:X_BITS], w[i*W_BITS+:W_BITS], product);
        end else begin : by_the_tool
          wire signed [X_BITS:0] factor_x = {X_SIGNED == 1 && x[i*X_BITS+X_BITS-1], x[i*X_BITS+:X_BITS]};
          wire signed [W_BITS:0] factor_w = {W_SIGNED == 1 && w[i*W_BITS+W_BITS-1], w[i*W_BITS+:W_BITS]};
          assign product = factor_x * factor_w;
        end
        always @(posedge clk) level[0].node[i].total <= product;
      end else begin : none
        always @(posedge clk) level[0].node[i].total <= 0;
      end
    end
    for (l = 1; l <= LEVELS; l = l + 1) begin : tree
      for (i = 0; i < (LEAVES >> l); i = i + 1) begin : pair
        always @(posedge clk) level[l].node[i].total <= level[l-1].node[2*i].total + level[l-1].node[2*i+1].total;
      end
    end
  endgenerate

  wire signed [TOTAL-1:0] products = level[LEVELS].node[0].total;
  wire signed [SUM_BITS-1:0] added = products;
  wire signed [SUM_BITS-1:0] begun = bias;
  always @(posedge clk) sum <= (first ? begun : sum) + (added <<< SHIFT);
endmodule
