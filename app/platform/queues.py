"""How many jobs of a queue run at a time. Queues, with what each is for:

`short` (reading and writing files), `evaluations`, `train-<backend>`, `extract-<backend>`.
A group of them is named by the part before the first hyphen: `train` are all `train-*`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Queue:
    """Most jobs at a time in one process and in all together; most begun in a minute by all."""

    here: int
    everywhere: int | None = None
    per_minute: int | None = None


def group(queue: str) -> str:
    """The group a queue belongs to."""
    return queue.partition("-")[0]
