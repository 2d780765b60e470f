library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

-- A product without DSPs, as lut_multiplier.v has it: a row of adders for each radix-4 Booth digit.
entity multiplier is
    generic (
        BW_INPUT0 : integer := 32;
        BW_INPUT1 : integer := 32;
        SIGNED0   : integer := 0;
        SIGNED1   : integer := 0;
        BW_OUT    : integer := 32
    );
    port (
        in0 : in  std_logic_vector(BW_INPUT0-1 downto 0);
        in1 : in  std_logic_vector(BW_INPUT1-1 downto 0);
        result : out std_logic_vector(BW_OUT-1 downto 0)
    );
end entity multiplier;

architecture rtl of multiplier is
    -- Bits of both factors as signed numbers.
    constant BITS0 : integer := BW_INPUT0 + 1 - SIGNED0;
    constant BITS1 : integer := BW_INPUT1 + 1 - SIGNED1;
    constant WIDE  : integer := maximum(BITS0, BITS1);
    constant ROWS  : integer := (minimum(BITS0, BITS1) + 1) / 2;

    function extended(value : std_logic_vector; is_signed, bits : integer) return signed is
    begin
        if is_signed = 1 then
            return resize(signed(value), bits);
        end if;
        return signed(resize(unsigned(value), bits));
    end function;

    type row_sums is array (0 to ROWS) of signed(WIDE-1 downto 0);
    signal factor  : signed(WIDE-1 downto 0);
    signal digits  : std_logic_vector(2*ROWS downto 0);
    -- The sum so far in units of a row's digit; its lowest two bits are final.
    signal sums    : row_sums;
    signal product : std_logic_vector(WIDE+2*ROWS-1 downto 0);
begin

    rows_of_0 : if BITS0 < BITS1 generate
        factor <= extended(in1, SIGNED1, WIDE);
        digits <= std_logic_vector(extended(in0, SIGNED0, 2*ROWS)) & '0';
    end generate;
    rows_of_1 : if BITS0 >= BITS1 generate
        factor <= extended(in0, SIGNED0, WIDE);
        digits <= std_logic_vector(extended(in1, SIGNED1, 2*ROWS)) & '0';
    end generate;

    sums(0) <= (others => '0');
    row : for i in 0 to ROWS-1 generate
        signal once, twice : std_logic;
        signal size, multiple : signed(WIDE downto 0);
        signal negative : signed(1 downto 0);
        signal sum : signed(WIDE+1 downto 0);
    begin
        once <= digits(2*i+1) xor digits(2*i);
        twice <= (digits(2*i+2) xor digits(2*i+1)) and not once;
        negative <= '0' & digits(2*i+2);
        size <= resize(factor, WIDE+1) when once = '1' else factor & '0' when twice = '1' else (others => '0');
        multiple <= not size when negative(0) = '1' else size;
        sum <= resize(sums(i), WIDE+2) + resize(multiple, WIDE+2) + negative;
        sums(i+1) <= sum(WIDE+1 downto 2);
        product(2*i+1 downto 2*i) <= std_logic_vector(sum(1 downto 0));
    end generate;

    product(WIDE+2*ROWS-1 downto 2*ROWS) <= std_logic_vector(sums(ROWS));
    result <= product(BW_OUT-1 downto 0);

end architecture rtl;
