"""How large a shard is, and how many may run: the arithmetic that keeps a server's rate limit.

A shard asks a server once for each of its texts and tasks. The job engine limits how many shards
begin in a minute, so a shard of a limited server has a fixed number of calls at the most, and the
limit of calls becomes one of shards. Calls that a server refuses and that are repeated come on top.
"""

from app.platform.queues import Queue
from app.prompts.tasks import Task

# Shards of a backend at a time in one process: while one is stored, the next is asked about.
AT_ONCE = 2
# Shards of a batch that have a workflow, for each that can run; the others wait as rows.
_QUEUED_FOR_EACH = 4
_FEWEST_QUEUED = 8
# Begun evenly over the minute rather than all at its beginning.
_SHARDS_PER_MINUTE = 10


def calls_per_shard(calls_per_minute: int) -> int:
    """Most calls of one shard: a tenth of a minute's, and enough for all tasks of one text."""
    return max(len(Task), calls_per_minute // _SHARDS_PER_MINUTE)


def texts_per_shard(most: int, tasks: int, calls_per_minute: int | None) -> int:
    """Texts in a shard: `most`, or as many as a limited server is asked about in one."""
    if calls_per_minute is None:
        return most
    return max(1, min(most, calls_per_shard(calls_per_minute) // tasks))


def shard_queue(calls_per_minute: int | None) -> Queue:
    """The queue of a backend's shards, for a server that takes so many calls a minute.

    Fewer than three calls a minute, one for each task, cannot be kept.
    """
    if calls_per_minute is None:
        return Queue(here=AT_ONCE)
    shards = max(1, calls_per_minute // calls_per_shard(calls_per_minute))
    return Queue(here=AT_ONCE, per_minute=shards)


def window(workers: int) -> int:
    """Most shards of a batch that wait in the job engine or run, with so many workers there."""
    return max(_FEWEST_QUEUED, _QUEUED_FOR_EACH * AT_ONCE * workers)
