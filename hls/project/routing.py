"""The steps of a build that need cells in their places: a pipeline that meets the clock, and where it was placed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hls.graph import FixedGraph
from hls.machine.progress import StageProgress, of_stage
from hls.rtl import layers_between, trace
from hls.rtl.netlist import (
    Closure,
    Device,
    RoutedDesign,
    by_cells,
    check_device,
    check_router,
    close_timing,
    family_of,
    place_and_route,
    routed_on,
)
from hls.target import Target
from hls.witnesses import Task


def asked_device(name: str | None) -> Device | None:
    """What our RTL is to be placed and routed on, None for nothing.

    Raises:
        ProjectError: there is no such device.
        ToolError: nextpnr is not here; said before the work begins, not after it.
    """
    if name is None:
        return None
    device = check_device(name)
    check_router()
    return device


def pipeline_for(
    target: Target, graph: FixedGraph, top: str, cache: Path, device: Device | None, progress: StageProgress | None
) -> Closure | None:
    """The pipeline that meets the clock, if ``target`` asks for one: measured on the device, if there is one, or else
    by the cells of the part's own family."""
    if target.latency is None:
        return None
    ruler = by_cells(family_of(target.part), cache) if device is None else routed_on(device, cache)
    told = of_stage(progress, "pipeline")
    return close_timing(graph, top, target.clock_ns, target.multipliers, ruler, told, interval=target.interval_clocks)


def route(task: Task, device: Device | None, progress: StageProgress | None) -> RoutedDesign | None:
    """The RTL of ``task`` on the device, if there is one."""
    if device is None:
        return None
    told = of_stage(progress, "place and route")
    if told is not None:
        told(0, 1)
    found = place_and_route(task.rtl, device, task.folder.cache)
    found = replace(found, layers=_layers(task, found))
    if told is not None:
        told(1, 1)
    return found


def _layers(task: Task, found: RoutedDesign) -> tuple[str, ...]:
    """Those that the slowest path leads through; none known of engines, which compute layers in turn, nor of digits."""
    if task.rtl.folded or task.rtl.digits:
        return ()
    target = task.project.target
    logic = trace(task.graph, pipelining=task.pipelining, interval=target.interval_clocks, with_layers=True)
    return layers_between(*found.registers, logic, target.clock_ns, task.pipelining)
