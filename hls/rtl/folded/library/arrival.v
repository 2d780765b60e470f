`timescale 1ns / 1ps

// When the beats of an event come: the first with START, and each CLOCKS after the one before.
module folded_arrival #(
    parameter BEATS = 2,
    parameter CLOCKS = 1
) (
    input clk,
    input rst,
    input start,
    output comes
);
  localparam BITS = $clog2(BEATS);
  reg [BITS-1:0] left;
  wire due;
  assign comes = start || (left != 0 && due);
  always @(posedge clk)
    if (rst) left <= 0;
    else if (start) left <= BEATS - 1;
    else if (comes) left <= left - 1;
  generate
    if (CLOCKS == 1) begin : every_clock
      assign due = 1'b1;
    end else begin : paced
      localparam WAIT = $clog2(CLOCKS);
      reg [WAIT-1:0] waits;
      assign due = waits == 0;
      always @(posedge clk)
        if (rst || comes) waits <= CLOCKS - 1;
        else if (!due) waits <= waits - 1;
    end
  endgenerate
endmodule
