`timescale 1ns / 1ps

// The loop nest of an engine. From the clock after START on it takes one step a clock:
//
//     for oy, ox        a position of the output every PERIOD clocks
//       for group       the outputs of a position, a word at a time
//         for ky, kx    the window
//           for word, part    the channels, a part of a word at a time
//
// FIRST and LAST mark the steps with which a word of the output begins and ends, STEP counts those of a position, and
// ENDS says of each loop, the innermost in bit 0, whether it is in its last turn.
module folded_sequencer #(
    parameter PARTS = 1,
    parameter WORDS = 1,
    parameter KX = 1,
    parameter KY = 1,
    parameter GROUPS = 1,
    parameter OX = 1,
    parameter OY = 1,
    parameter PERIOD = 1
) (
    input clk,
    input rst,
    input start,
    output run,
    output first,
    output last,
    output [6:0] ends,
    output [31:0] step,
    output [31:0] part,
    output [31:0] kx,
    output [31:0] ky,
    output [31:0] group,
    output [31:0] ox,
    output [31:0] oy
);
  localparam CLOCKS = PARTS * WORDS * KX * KY * GROUPS;
  reg active;
  wire finished = run && (&ends);
  wire [31:0] word;
  generate
    if (PERIOD == 1) begin : every_clock
      assign step = 0;
      assign run = active;
    end else begin : counted
      localparam BITS = $clog2(PERIOD);
      reg [BITS-1:0] count;
      assign step = {{(32 - BITS) {1'b0}}, count};
      assign run = active && (PERIOD == CLOCKS || count < CLOCKS);
      always @(posedge clk)
        if (rst || !active || finished || count == PERIOD - 1) count <= 0;
        else count <= count + 1'b1;
    end
  endgenerate
  always @(posedge clk) active <= !rst && (start || (active && !finished));

  wire [7:0] steps = {&ends[6:0], &ends[5:0], &ends[4:0], &ends[3:0], &ends[2:0], &ends[1:0], ends[0], 1'b1} & {8{run}};
  folded_counter #(.SIZE(PARTS)) parts_of_word (clk, rst, steps[0], part, ends[0]);
  folded_counter #(.SIZE(WORDS)) words (clk, rst, steps[1], word, ends[1]);
  folded_counter #(.SIZE(KX)) window_x (clk, rst, steps[2], kx, ends[2]);
  folded_counter #(.SIZE(KY)) window_y (clk, rst, steps[3], ky, ends[3]);
  folded_counter #(.SIZE(GROUPS)) groups (clk, rst, steps[4], group, ends[4]);
  folded_counter #(.SIZE(OX)) position_x (clk, rst, steps[5], ox, ends[5]);
  folded_counter #(.SIZE(OY)) position_y (clk, rst, steps[6], oy, ends[6]);
  assign first = run && part == 0 && word == 0 && kx == 0 && ky == 0;
  assign last = run && (&ends[3:0]);
endmodule
