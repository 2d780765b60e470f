`timescale 1ns / 1ps

// An event enters in one clock, and only if at least INTERVAL clocks have passed since the one before.
module folded_door #(
    parameter INTERVAL = 2
) (
    input clk,
    input rst,
    input valid,
    output ready,
    output accepted
);
  localparam BITS = $clog2(INTERVAL + 1);
  reg [BITS-1:0] closed;
  assign ready = closed == 0;
  assign accepted = valid && ready && !rst;
  always @(posedge clk)
    if (rst) closed <= 0;
    else if (accepted) closed <= INTERVAL - 1;
    else if (!ready) closed <= closed - 1;
endmodule
