"""The paper's second example: top pairs with one electron, and a decoder restricted to what is ever measured."""
