"""Texts with holes."""

from __future__ import annotations

from functools import cache

import jinja2


def rendered(template: str, **values: object) -> str:
    """The text of ``template`` with its holes filled."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("hls.handover"), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
