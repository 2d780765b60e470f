"""Latents as bits: a layout for each encoder, packets of fixed length or entropy-coded strings, and their files.

``latent_layout`` says how latents become ``symbols``, ``layout_calibration`` makes a layout; ``payloads`` are the bits
of events, made of ``bit_fields`` or by ``entropy_coding``, with the ``totals`` of each, and ``packet_files`` keep them.
A ``trellis`` makes files shorter: ``trellis_calibration`` adds it to a layout, ``trellis_strings`` are its bits.
``packed_events`` is what ``qtrigger pack`` and ``unpack`` do; ``bit_report`` counts bits beside the bound that the KL
divergence sets.
"""
