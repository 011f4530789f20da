"""Measurements. Each module is one command: `python -m bench.ingest`."""
