"""Benchmarks: each prints ratios measured in one run, never bare times."""
