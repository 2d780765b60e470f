`timescale 1 ns / 1 ps

// A queue of DEPTH words. A word that is pushed stands at the front two clocks later at the soonest; FILLED says so.
module stream_fifo #(
    parameter BITS = 1,
    parameter DEPTH = 2
) (
    input wire clk,
    input wire rst,
    input wire push,
    input wire [BITS-1:0] word,
    output wire room,
    input wire pop,
    output reg [BITS-1:0] front,
    output wire filled
);
    localparam PLACE = $clog2(DEPTH), COUNT = $clog2(DEPTH + 1);
    reg [BITS-1:0] memory [0:DEPTH-1];
    reg [PLACE-1:0] first, last;
    reg [COUNT-1:0] held, shown;
    reg pushed;
    wire [PLACE-1:0] second = first == DEPTH - 1 ? {PLACE{1'b0}} : first + 1'b1;
    wire [PLACE-1:0] read = pop ? second : first;
    assign room = held != DEPTH;
    assign filled = shown != 0;
    always @(posedge clk) begin
        if (push) memory[last] <= word;
        front <= memory[read];
        if (rst) begin
            first <= 0;
            last <= 0;
            held <= 0;
            shown <= 0;
            pushed <= 1'b0;
        end else begin
            first <= read;
            if (push) last <= last == DEPTH - 1 ? {PLACE{1'b0}} : last + 1'b1;
            held <= held + push - pop;
            pushed <= push;
            shown <= shown + pushed - pop;
        end
    end
endmodule
