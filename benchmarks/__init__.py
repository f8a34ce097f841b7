"""Filehost DAV beside its peers: the same work, in turn, as ratios. `python -m benchmarks --help`."""
