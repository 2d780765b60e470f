"""Resources and latency as figures: estimated before anything is built, or read from reports of vendors' tools."""
