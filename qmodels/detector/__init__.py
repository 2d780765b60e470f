"""A detector by its parameters: what it resolves and how often it sees, object by object.

``parameters`` are tables in pT and |η|; ``cms`` is one detector written in them; ``response`` applies it to arrays.
"""
