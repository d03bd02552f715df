"""Faults: real processes, killed and cut off at random, and what their clients see afterwards.

`python -m faults` (`make faults`) tries points; docs/faults.md says what a point is.
"""
