"""Both circuits as functions of what came in at earlier clocks: no cut, so that a difference is one that can happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from hls.errors import ToolError
from hls.proof.netlist.aig import Aig, Literal, cones
from hls.proof.netlist.correspondence import Flags
from hls.proof.netlist.settling import PairResult, settle
from hls.proof.netlist.side import Logic, Side
from hls.proof.subject import Deadline


class Unrolled:
    """Registers are wires from one clock to the next; the inputs of each clock are variables of their own.

    The outputs are those of clock 0, ``age`` counts the clocks before it; data older than ``longest`` clocks are in
    no pipeline.
    """

    def __init__(self, sides: Sequence[Side], inputs: Sequence[tuple[int, int]], longest: int) -> None:
        self.aig = Aig()
        self.longest = longest
        self.given: dict[tuple[int, int], Literal] = {}
        self._sides = sides
        self._places = [{pair[side]: place for place, pair in enumerate(inputs)} for side in (0, 1)]
        self._width = len(inputs)
        self._logic: dict[tuple[int, int], Logic] = {}

    def literal(self, side: int, net: int, age: int = 0) -> Literal:
        """A net of one side, ``age`` clocks before the outputs are looked at."""
        if age > self.longest:
            raise ToolError(f"the {self._sides[side].label} keeps data for more than {self.longest} clocks")
        key = side, age
        if key not in self._logic:
            self._logic[key] = self._sides[side].logic(self.aig, self._at(side, age))
        return self._logic[key].literal(net)

    def _at(self, side: int, age: int) -> Callable[[int], Literal | None]:
        places, following = self._places[side], self._sides[side].following

        def variable(net: int) -> Literal | None:
            if net in places:
                key = places[net], age
                if key not in self.given:
                    self.given[key] = self.aig.variable()
                return self.given[key]
            return self.literal(side, following[net], age + 1) if net in following else None

        return variable

    def compare(self, outputs: Sequence[tuple[int, int]], deadline: Deadline) -> tuple[list[PairResult], Flags | None]:
        """What becomes of each pair of output nets, and the inputs (clocks, bits) that tell the first pair apart."""
        pairs = [(self.literal(0, a), self.literal(1, b)) for a, b in outputs]
        asked = [place for place, (a, b) in enumerate(pairs) if a != b]
        made = cones(self.aig, [pairs[place] for place in asked])
        results = [PairResult("equal")] * len(pairs)
        for place, result in zip(asked, settle(made, deadline), strict=True):
            shown = {made.origin[node]: value for node, value in result.shown_by.items()}
            results[place] = replace(result, shown_by=shown)
        different = next((result for result in results if result.verdict == "different"), None)
        return results, None if different is None else self._sequence(different.shown_by)

    def _sequence(self, shown: Mapping[int, bool]) -> Flags:
        given = np.zeros((self.longest + 1, self._width), np.bool_)
        for (place, age), literal in self.given.items():
            given[self.longest - age, place] = shown.get(literal >> 1, False)
        return given
