`timescale 1ns / 1ps

// A product without DSPs: radix-4 Booth digits of the narrower factor, each a row of adders on the carry chain. A bit
// of a row is a function of six signals (digit, two bits of the wider factor, the sum so far), hence one LUT6. A factor
// of one or two bits is its own digit: a single row without recoding.
module multiplier #(
    parameter BW_INPUT0 = 32,
    parameter BW_INPUT1 = 32,
    parameter SIGNED0 = 0,
    parameter SIGNED1 = 0,
    parameter BW_OUT = 32
) (
    input [BW_INPUT0-1:0] in0,
    input [BW_INPUT1-1:0] in1,
    output [BW_OUT-1:0] out
);

  // Bits of both factors as signed numbers.
  localparam BITS0 = BW_INPUT0 + ((SIGNED0 == 1) ? 0 : 1);
  localparam BITS1 = BW_INPUT1 + ((SIGNED1 == 1) ? 0 : 1);
  localparam WIDE = (BITS0 < BITS1) ? BITS1 : BITS0;
  localparam ROWS = (((BITS0 < BITS1) ? BITS0 : BITS1) + 1) / 2;

  wire [BITS0-1:0] factor0;
  wire [BITS1-1:0] factor1;
  wire [WIDE-1:0] wide;
  wire signed [2*ROWS-1:0] narrow;

  generate
    if (SIGNED0 == 1) begin : signed0
      assign factor0 = in0;
    end else begin : unsigned0
      assign factor0 = {1'b0, in0};
    end
    if (SIGNED1 == 1) begin : signed1
      assign factor1 = in1;
    end else begin : unsigned1
      assign factor1 = {1'b0, in1};
    end
    if (BITS0 < BITS1) begin : rows_of_0
      assign wide = factor1;
      assign narrow = $signed(factor0);
    end else begin : rows_of_1
      assign wide = factor0;
      assign narrow = $signed(factor1);
    end
  endgenerate

  wire [2*ROWS:0] digits = {narrow, 1'b0};
  // The sum so far in units of a row's digit; its lowest two bits are final.
  wire [WIDE-1:0] sums[0:ROWS];
  // verilator lint_off UNUSEDSIGNAL
  wire [WIDE+2*ROWS-1:0] product;
  // verilator lint_on UNUSEDSIGNAL
  assign sums[0] = {WIDE{1'b0}};

  genvar i;
  generate
    for (i = 0; i < ROWS; i = i + 1) begin : row
      wire negative = digits[2*i+2];
      wire once = digits[2*i+1] ^ digits[2*i];
      wire twice = (digits[2*i+2] ^ digits[2*i+1]) & ~once;
      wire [WIDE:0] multiple = (once ? {wide[WIDE-1], wide} : twice ? {wide, 1'b0} : {(WIDE + 1) {1'b0}})
          ^ {(WIDE + 1) {negative}};
      wire [WIDE+1:0] sum = {{2{sums[i][WIDE-1]}}, sums[i]} + {multiple[WIDE], multiple}
          + {{(WIDE + 1) {1'b0}}, negative};
      assign sums[i+1] = sum[WIDE+1:2];
      assign product[2*i+:2] = sum[1:0];
    end
  endgenerate

  assign product[WIDE+2*ROWS-1:2*ROWS] = sums[ROWS];

  localparam SHORT0 = BW_INPUT0 <= 2;
  localparam SHORT1 = BW_INPUT1 <= 2;

  generate
    if (SHORT0 || SHORT1) begin : one_row
      // Signed, so that each extends to the width that it is given.
      wire signed [BITS0-1:0] value0 = factor0;
      wire signed [BITS1-1:0] value1 = factor1;
      wire signed [BW_OUT-1:0] other = SHORT0 ? value1 : value0;
      // verilator lint_off UNUSEDSIGNAL
      wire signed [2:0] digit = SHORT0 ? value0 : value1;
      // verilator lint_on UNUSEDSIGNAL
      wire [BW_OUT-1:0] once = {BW_OUT{digit[0]}} & other;
      wire [BW_OUT-1:0] twice = {BW_OUT{digit[1]}} & {other[BW_OUT-2:0], 1'b0};
      // The second bit of a signed factor counts minus two.
      if (SHORT0 ? SIGNED0 == 1 : SIGNED1 == 1) begin : signed_digit
        assign out = once - twice;
      end else begin : unsigned_digit
        assign out = once + twice;
      end
    end else begin : rows
      assign out = product[BW_OUT-1:0];
    end
  endgenerate
endmodule
