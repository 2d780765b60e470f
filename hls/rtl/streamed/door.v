`timescale 1 ns / 1 ps

// Counts the TRANSFERS of each event and lets one into the paced design when it is complete, the design is ready, and
// of RESULTS places one is free for what comes of it, so that the design never has to wait.
module stream_door #(
    parameter TRANSFERS = 1,
    parameter RESULTS = 2
) (
    input wire clk,
    input wire rst,
    input wire taken,
    output wire [31:0] transfer,
    input wire ready,
    output wire begun,
    input wire left
);
    localparam FREE = $clog2(RESULTS + 1);
    wire complete;
    reg arrived;
    reg [2:0] waiting;
    reg [FREE-1:0] free;
    assign begun = waiting != 0 && free != 0 && ready && !rst;
    generate
        if (TRANSFERS == 1) begin : one
            assign transfer = 0;
            assign complete = taken;
        end else begin : many
            localparam BITS = $clog2(TRANSFERS);
            reg [BITS-1:0] count;
            assign transfer = {{(32 - BITS) {1'b0}}, count};
            assign complete = taken && count == TRANSFERS - 1;
            always @(posedge clk)
                if (rst) count <= 0;
                else if (taken) count <= complete ? {BITS{1'b0}} : count + 1'b1;
        end
    endgenerate
    always @(posedge clk)
        if (rst) begin
            arrived <= 1'b0;
            waiting <= 0;
            free <= RESULTS;
        end else begin
            arrived <= complete;
            waiting <= waiting + arrived - begun;
            free <= free + left - begun;
        end
endmodule
