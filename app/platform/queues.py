"""How many jobs of a queue run at a time. Queues, with what each is for:

`short` (reading and writing files), `batches` (cutting their texts into shards), `evaluations`,
`notifications` (sending them), `train-<backend>`, `extract-<backend>`.
A group of them is named by the part before the first hyphen: `train` are all `train-*`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Queue:
    """Most jobs at a time in one process and in all together; most begun in a minute by all."""

    here: int
    everywhere: int | None = None
    per_minute: int | None = None


_OFTEN = {"short": 0.2, "extract": 0.5}


def poll_seconds(queue: str, *, shared: bool) -> float:
    """How often a process looks at a queue: often where jobs are short, or where it is alone.

    To look costs two or three milliseconds of a core, and each process looks at each queue.
    """
    return _OFTEN.get(group(queue), 1.0 if shared else 0.5)


def group(queue: str) -> str:
    """The group a queue belongs to."""
    return queue.partition("-")[0]


def chosen(names: Sequence[str], queues: Collection[str]) -> list[str]:
    """Those of the queues that `names` has, or has the group of; all of them without names.

    Raises ValueError for a name that is neither, with a sentence that says what there is.
    """
    known = {*queues, *map(group, queues)}
    for name in names:
        if name not in known:
            raise ValueError(f"there is no queue {name!r}; there are {', '.join(sorted(known))}")
    return [queue for queue in queues if not names or {queue, group(queue)} & set(names)]
