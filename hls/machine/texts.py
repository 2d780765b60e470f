"""Texts with holes: the templates beside the code of a package, of what is no HTML."""

from __future__ import annotations

from functools import cache

import jinja2


def rendered(package: str, template: str, values: dict[str, object]) -> str:
    """The text of ``template`` in the folder ``templates`` of ``package``, with its holes filled; none may be left."""
    return _environment(package).get_template(template).render(values)


@cache
def _environment(package: str) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
