// AMD's DSP48E2 as far as Yosys uses it, which has no model of its own: P = A * B, or C + A * B, each with or without
// its register. After AMD's UG579. Any other configuration leaves a cell that nobody can simulate.
module DSP48E2 (
    input CLK, CEA1, CEA2, CEB1, CEB2, CEC, CEM, CEP, RSTA, RSTB, RSTC, RSTM, RSTP,
    input signed [29:0] A, ACIN, input signed [17:0] B, BCIN, input signed [47:0] C, PCIN, input [26:0] D,
    input [3:0] ALUMODE, input [4:0] INMODE, input [8:0] OPMODE, input [2:0] CARRYINSEL, input CARRYIN,
    output signed [47:0] P, PCOUT
);
    parameter integer ACASCREG = 1, ADREG = 1, ALUMODEREG = 1, AREG = 1, BCASCREG = 1, BREG = 1, CARRYINREG = 1;
    parameter integer CARRYINSELREG = 1, CREG = 1, DREG = 1, INMODEREG = 1, MREG = 1, OPMODEREG = 1, PREG = 1;
    parameter AMULTSEL = "A", BMULTSEL = "B", A_INPUT = "DIRECT", B_INPUT = "DIRECT";
    parameter USE_MULT = "MULTIPLY", USE_SIMD = "ONE48";

    reg signed [29:0] a;
    reg signed [17:0] b;
    reg signed [47:0] c, p;
    reg signed [44:0] m;
    wire signed [26:0] factor = a[26:0];
    wire signed [44:0] product = factor * b;
    wire signed [47:0] sum = (OPMODE[6:4] == 3'b011 ? c : 48'sd0) + m;

    generate
        if (AREG > 1 || BREG > 1 || ALUMODEREG || CARRYINREG || CARRYINSELREG || INMODEREG || OPMODEREG
            || AMULTSEL != "A" || BMULTSEL != "B" || A_INPUT != "DIRECT" || B_INPUT != "DIRECT"
            || USE_MULT != "MULTIPLY" || USE_SIMD != "ONE48")
            DSP48E2_in_a_configuration_without_model unknown ();
        if (AREG == 1) always @(posedge CLK) if (RSTA) a <= 0; else if (CEA2) a <= A;
        if (AREG == 0) always @* a = A;
        if (BREG == 1) always @(posedge CLK) if (RSTB) b <= 0; else if (CEB2) b <= B;
        if (BREG == 0) always @* b = B;
        if (CREG == 1) always @(posedge CLK) if (RSTC) c <= 0; else if (CEC) c <= C;
        if (CREG == 0) always @* c = C;
        if (MREG == 1) always @(posedge CLK) if (RSTM) m <= 0; else if (CEM) m <= product;
        if (MREG == 0) always @* m = product;
        if (PREG == 1) always @(posedge CLK) if (RSTP) p <= 0; else if (CEP) p <= sum;
        if (PREG == 0) always @* p = sum;
    endgenerate

    // X and Y must be M, W zero, Z zero or C, and the ALU must add.
    wire known = OPMODE[8:7] == 0 && OPMODE[3:0] == 4'b0101 && (OPMODE[6:4] == 0 || OPMODE[6:4] == 3'b011)
        && ALUMODE == 0 && INMODE == 0 && CARRYIN == 0 && CARRYINSEL == 0;
    assign P = known ? p : 48'bx;
    assign PCOUT = P;
endmodule
