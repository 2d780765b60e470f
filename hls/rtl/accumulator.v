`timescale 1ns / 1ps

// Sum, or with MAXIMUM the largest, of the values that come while `taken` is high, the `first` of them marked. The value
// is the first operand, so that on AMD's carry chain what is masked shares the LUT that adds.
module accumulator #(
    parameter BITS = 8,
    parameter SIGNED = 0,
    parameter TOTAL = 12,
    parameter MAXIMUM = 0
) (
    input wire clk,
    input wire first,
    input wire taken,
    input wire [BITS-1:0] value,
    output reg [TOTAL-1:0] total
);

  wire [TOTAL-1:0] extended;

  generate
    if (SIGNED == 1) begin : signed_value
      wire signed [BITS-1:0] as_signed = value;
      wire signed [TOTAL-1:0] wide = as_signed;
      assign extended = wide;
    end else begin : unsigned_value
      assign extended = value;
    end
    if (MAXIMUM == 1) begin : largest
      // One bit more, so that the difference does not wrap.
      wire [TOTAL:0] difference = {SIGNED == 1 & total[TOTAL-1], total} - {SIGNED == 1 & extended[TOTAL-1], extended};
      always @(posedge clk) if (taken & (first | difference[TOTAL])) total <= extended;
    end else begin : sum
      always @(posedge clk) if (taken) total <= extended + (total & {TOTAL{~first}});
    end
  endgenerate
endmodule
