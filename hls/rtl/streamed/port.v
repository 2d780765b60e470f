`timescale 1 ns / 1 ps

// Keeps what comes to a port until the paced design takes it: the first of BEATS beats in the clock of BEGUN, each
// further one APART clocks later. They come with the first transfers of an event.
module stream_port #(
    parameter BITS = 1,
    parameter BEATS = 1,
    parameter APART = 1
) (
    input wire clk,
    input wire rst,
    input wire taken,
    input wire [31:0] transfer,
    input wire [BITS-1:0] value,
    output wire room,
    input wire begun,
    output wire [BITS-1:0] beat
);
    wire due, unused_filled;
    generate
        if (BEATS == 1) begin : one
            assign due = begun;
        end else begin : many
            localparam LEFT = $clog2(BEATS), WAIT = $clog2(APART + 1);
            reg [LEFT-1:0] left;
            reg [WAIT-1:0] waits;
            assign due = begun || (left != 0 && waits == 0);
            always @(posedge clk)
                if (rst) begin
                    left <= 0;
                    waits <= 0;
                end else begin
                    if (begun) left <= BEATS - 1;
                    else if (due) left <= left - 1'b1;
                    if (due) waits <= APART - 1;
                    else if (waits != 0) waits <= waits - 1'b1;
                end
        end
    endgenerate
    // Two more than an event has: the next one's come while this one's last wait.
    stream_fifo #(.BITS(BITS), .DEPTH(BEATS + 2)) queue (
        .clk(clk), .rst(rst), .push(taken && transfer < BEATS), .word(value), .room(room), .pop(due), .front(beat),
        .filled(unused_filled)
    );
endmodule
