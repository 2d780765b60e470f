`timescale 1ns / 1ps

// Counts from 0 to SIZE - 1 and begins again.
module folded_counter #(
    parameter SIZE = 1
) (
    input clk,
    input rst,
    input step,
    output [31:0] value,
    output ended
);
  generate
    if (SIZE == 1) begin : one
      assign value = 0;
      assign ended = 1'b1;
    end else begin : many
      localparam BITS = $clog2(SIZE);
      reg [BITS-1:0] count;
      assign value = {{(32 - BITS) {1'b0}}, count};
      assign ended = count == SIZE - 1;
      always @(posedge clk)
        if (rst) count <= 0;
        else if (step) count <= ended ? {BITS{1'b0}} : count + 1'b1;
    end
  endgenerate
endmodule
