// The carries of an adder by their definition, one after the other, as the carry chain of a device makes them.
(* techmap_celltype = "$lcu" *)
module ripple_carry (P, G, CI, CO);
    parameter WIDTH = 2;
    input [WIDTH-1:0] P, G;
    input CI;
    output [WIDTH-1:0] CO;
    genvar i;
    generate
        assign CO[0] = G[0] | (P[0] & CI);
        for (i = 1; i < WIDTH; i = i + 1) begin : bits
            assign CO[i] = G[i] | (P[i] & CO[i - 1]);
        end
    endgenerate
endmodule
