// Sums as full adders, one for each bit: the carries follow one after the other, as in a device's carry chains.
(* techmap_wrap = "alumacc" *)
(* techmap_celltype = "$lt $le $ge $gt $add $sub $neg $mul" *)
module one_by_one;
endmodule

(* techmap_celltype = "$alu" *)
module ripple (A, B, CI, BI, X, Y, CO);
    parameter A_SIGNED = 0;
    parameter B_SIGNED = 0;
    parameter A_WIDTH = 1;
    parameter B_WIDTH = 1;
    parameter Y_WIDTH = 1;
    (* force_downto *)
    input [A_WIDTH-1:0] A;
    (* force_downto *)
    input [B_WIDTH-1:0] B;
    input CI, BI;
    (* force_downto *)
    output [Y_WIDTH-1:0] X, Y, CO;
    (* force_downto *)
    wire [Y_WIDTH-1:0] a, b, second;
    \$pos #(.A_SIGNED(A_SIGNED), .A_WIDTH(A_WIDTH), .Y_WIDTH(Y_WIDTH)) first_wide (.A(A), .Y(a));
    \$pos #(.A_SIGNED(B_SIGNED), .A_WIDTH(B_WIDTH), .Y_WIDTH(Y_WIDTH)) second_wide (.A(B), .Y(b));
    assign second = BI ? ~b : b;
    assign X = a ^ second;
    genvar i;
    generate
        for (i = 0; i < Y_WIDTH; i = i + 1) begin : bits
            \$fa #(.WIDTH(1)) adder (.A(a[i]), .B(second[i]), .C(i == 0 ? CI : CO[i - 1]), .X(CO[i]), .Y(Y[i]));
        end
    endgenerate
endmodule

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
