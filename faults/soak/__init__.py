"""A soak: very many clients who do the same things at once, and what holds afterwards.

`python -m faults.soak`; docs/faults.md says what is done and what is looked at.
"""
