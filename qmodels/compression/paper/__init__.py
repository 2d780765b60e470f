"""The figures of arXiv:2210.11489, ours beside the published.

``evaluation`` measures a trained folder, with ``rates`` of its own; ``results`` is what it finds, ``plots`` and
``tables`` show it beside what is ``published``.
"""
