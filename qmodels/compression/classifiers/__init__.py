"""Networks that tell the signals apart, before and after compression."""
