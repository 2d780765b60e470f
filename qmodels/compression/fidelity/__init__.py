"""What the firmware costs against the float encoder, at several β.

``comparison`` measures, ``packed`` with the latents packed into bits; ``metrics`` are what a report holds of it,
``plots`` its picture.
"""
