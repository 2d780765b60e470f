"""From what a build found to the models of report.json."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hls import __version__
from hls.emulation import Emulator
from hls.events import EventSample
from hls.figures.reference import cpu_name, measure_reference
from hls.graph import Edge, FixedGraph, nodes
from hls.graph.costs import constants, products
from hls.graph.digest import layer_digest
from hls.project.project_file import Project
from hls.project.report.network_schema import GraphInfo, Layer, LayerValues
from hls.project.report.schema import Environment, ProjectInfo, ReferenceLatency
from hls.project.report.values import advice, layer_values
from hls.project.report.verification_schema import DisagreementInfo, PortInfo, VerificationInfo, WitnessInfo
from hls.proof import Proof
from hls.verification.disagreement import Disagreement
from hls.verification.explanation import Explanation
from hls.verification.verify import Verdict, WitnessResult
from hls.witnesses import default_witnesses

_TRACED_EVENTS = 2048
_PACKAGES = ("numpy", "h5py", "hls4ml", "qkeras-v3", "keras", "tensorflow")


def project_info(project: Project, variant: str | None, firmware_key: str) -> ProjectInfo:
    """``project``."""
    target = project.target
    return ProjectInfo(
        name=project.name,
        system=project.file.model.system,
        variant=variant,
        part=target.part,
        backend=target.backend,
        clock_ns=target.clock_ns,
        io_type=target.io_type,
        strategy=target.strategy,
        reuse_factor=target.reuse_factor,
        multipliers=target.multipliers,
        firmware=target.product,
        firmware_key=firmware_key,
    )


def graph_info(graph: FixedGraph, sample: EventSample, luts: Mapping[str, float] = MappingProxyType({})) -> GraphInfo:
    """``graph``, with what physics events (not corners) put on each layer, and the estimated ``luts`` of each."""
    events = [raw[sample.corners :] for raw in sample.raw]
    reached = Emulator(graph).largest([raw[:_TRACED_EVENTS] for raw in events])
    seen = layer_values(graph, events, sample.covered.ports)
    groups: dict[str, list[nodes.Node]] = {}
    for node in graph:
        groups.setdefault(node.layer, []).append(node)
    return GraphInfo(
        layers=len(groups),
        parameters=graph.parameters(),
        multiplications=graph.multiplications(),
        ebops=graph.ebops(),
        widest_accumulator_bits=graph.widest_accumulator_bits(),
        overflow_proved=all(_fits(edge) for edge in graph.edges.values()),
        digest=graph.digest(),
        float32_inexact=list(graph.float32_inexact()),
        notes=list(graph.notes),
        pipeline=[_layer(graph, group, reached, seen[name], luts.get(name)) for name, group in groups.items()],
    )


def _fits(edge: Edge) -> bool:
    return edge.type.raw_min <= edge.raw_min and edge.raw_max <= edge.type.raw_max


def _layer(
    graph: FixedGraph, group: list[nodes.Node], reached: Mapping[str, float], seen: LayerValues, luts: float | None
) -> Layer:
    name = group[0].layer
    sources = (graph.nodes[source].layer for node in group for source in node.inputs)
    last = group[-1].name
    edge = graph.edges[last]
    lsb = 2.0**-edge.fraction
    sums = [graph.edges[node.name].type.width for node in group if node.accumulates]
    return Layer(
        name=name,
        operations=[type(node).__name__ for node in group],
        shape=list(edge.shape),
        type=str(edge.type),
        width=edge.type.width,
        integer=edge.type.integer,
        low=edge.raw_min * lsb,
        high=edge.raw_max * lsb,
        observed=reached.get(last),
        accumulator_bits=max(sums, default=None),
        parameters=sum(constant.integers.size for node in group for constant in constants(node)),
        multiplications=sum(products(node, graph.edges[node.name]) for node in group),
        inputs=[source for source in dict.fromkeys(sources) if source != name],
        lut=luts,
        values=seen,
        advice=list(advice(group[-1], edge, seen)),
        digest=layer_digest(group),
    )


def verification_info(verdict: Verdict, model_file: Path, proof: Proof | None = None) -> VerificationInfo:
    """``verification``: of the events, and of what was to be proved, where the build was asked for the ``proof``.

    Left out are those that would run of themselves for the ``model_file``: nobody misses a witness of other files.
    """
    covered = verdict.sample.covered
    unproved = () if proof is None else proof.missing
    failures = [*verdict.failures, *(f"proof of {link.name}: {link.verdict}" for link in unproved)]
    return VerificationInfo(
        passed=not failures,
        agreement=verdict.agreement,
        events=len(verdict.sample),
        corner_events=verdict.sample.corners,
        source=verdict.sample.source,
        distinct_events=covered.distinct,
        ports=[PortInfo(**asdict(port)) for port in covered.ports],
        warnings=list(covered.warnings),
        not_asked=sorted(set(default_witnesses(model_file)) - {result.name for result in verdict.results}),
        failures=failures,
        disagreements=[_disagreement_info(found) for found in verdict.disagreements],
        odd_one_out=verdict.odd_one_out,
    )


def _disagreement_info(found: Disagreement) -> DisagreementInfo:
    return DisagreementInfo(
        witnesses=found.witnesses,
        events=found.events,
        event=found.event,
        output=found.output,
        element=list(found.element),
        values=found.values,
        layer=found.layer,
        input=found.input,
        message=str(found),
        differing=found.differing,
        compared=found.compared,
        largest=found.largest,
        lsb=found.lsb,
        place=found.place,
    )


def witness_info(result: WitnessResult) -> WitnessInfo:
    """One of ``witnesses``."""
    run = result.run
    if run is None:
        return WitnessInfo(status="not run", reason=result.reason)
    return WitnessInfo(
        status="ran",
        events=run.events,
        mismatches=result.mismatches,
        events_per_second=run.events_per_second,
        seconds=run.seconds,
        version=run.version,
        **_float32(result.explained),
    )


def _float32(explained: Explanation | None) -> dict[str, Any]:
    if explained is None:
        return {}
    return {
        "float32_differs": explained.count,
        "float32_deviation": explained.deviation,
        "float32_allowed": explained.allowed,
        "float32_share": explained.share,
    }


def reference_latency(project: Project) -> ReferenceLatency | None:
    """``reference_latency``, measured now; None without a reference that numpy can run."""
    measured = None if project.reference is None else measure_reference(project.reference)
    if measured is None:
        return None
    return ReferenceLatency(events_per_second=measured[0], batch1_microseconds=measured[1], cpu=cpu_name())


def environment(project: Project, seed: int) -> Environment:
    """``environment``."""
    versions = {"qtrigger": __version__, "python": platform.python_version()}
    versions |= {name: found for name in _PACKAGES if (found := _version(name)) is not None}
    return Environment(
        versions=versions,
        seed=seed,
        source_hash=project.source_hash(),
        platform=platform.platform(terse=True),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
