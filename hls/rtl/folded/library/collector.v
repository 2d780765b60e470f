`timescale 1ns / 1ps

// The last BEATS beats that were written, the first of them in the lowest bits.
module folded_collector #(
    parameter BEATS = 1,
    parameter BITS = 1
) (
    input clk,
    input write,
    input [BITS-1:0] beat,
    output reg [BEATS*BITS-1:0] beats
);
  generate
    if (BEATS == 1) begin : one
      always @(posedge clk) if (write) beats <= beat;
    end else begin : many
      always @(posedge clk) if (write) beats <= {beat, beats[BEATS*BITS-1:BITS]};
    end
  endgenerate
endmodule
