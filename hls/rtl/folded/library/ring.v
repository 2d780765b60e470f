`timescale 1ns / 1ps

// Words written one after the other into DEPTH places and read at ADDRESS, a clock later. A word is BEATS beats of what
// comes in, the first in its lowest bits. After POSITION beats a word is closed: its beats are then the highest.
module folded_ring #(
    parameter BITS = 1,
    parameter BEATS = 1,
    parameter POSITION = 1,
    parameter DEPTH = 1
) (
    input clk,
    input rst,
    input write,
    input [BITS-1:0] beat,
    input [31:0] address,
    output reg [BITS*BEATS-1:0] word
);
  wire full;
  wire [BITS*BEATS-1:0] packed_beats;
  generate
    if (BEATS == 1) begin : plain
      assign full = write;
      assign packed_beats = beat;
    end else begin : pack
      reg [BITS*(BEATS-1)-1:0] earlier;
      wire [31:0] unused_place, unused_count;
      wire closes, ended;
      assign packed_beats = {beat, earlier};
      assign full = write && (ended || closes);
      folded_counter #(.SIZE(BEATS)) beats (clk, rst || full, write, unused_count, ended);
      if (POSITION % BEATS == 0) begin : even
        assign closes = 1'b0;
      end else begin : uneven
        folded_counter #(.SIZE(POSITION)) places (clk, rst, write, unused_place, closes);
      end
      always @(posedge clk) if (write) earlier <= packed_beats[BITS*BEATS-1:BITS];
    end
    if (DEPTH == 1) begin : one
      reg [BITS*BEATS-1:0] kept;
      always @(posedge clk) begin
        if (full) kept <= packed_beats;
        word <= kept;
      end
    end else begin : many
      reg [BITS*BEATS-1:0] memory[0:DEPTH-1];
      wire [31:0] at;
      wire unused_ended;
      folded_counter #(.SIZE(DEPTH)) places (clk, rst, full, at, unused_ended);
      always @(posedge clk) begin
        if (full) memory[at[$clog2(DEPTH)-1:0]] <= packed_beats;
        word <= memory[address[$clog2(DEPTH)-1:0]];
      end
    end
  endgenerate
endmodule
