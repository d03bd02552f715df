"""The embedded model by itself in processes of its own: what batches are measured against.

Each process loads the model, waits for the others, and annotates its share of the texts in chunks
as large as those of batches; nothing is stored, and nothing but a count comes back.
"""

import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from itertools import islice
from multiprocessing.synchronize import Barrier
from pathlib import Path

from app.backends.local.environment import environment
from app.backends.local.model import LocalModel
from app.prompts.tasks import Task

_CHUNK = 32


def texts_a_second(model: Path, texts: Path, processes: int) -> float:
    """How many texts of a JSONL file so many processes annotate in a second, all tasks."""
    os.environ |= environment()  # one thread each, as in batches; they inherit it
    context = multiprocessing.get_context("spawn")
    loaded = context.Barrier(processes + 1)
    shares = [
        context.Process(target=_annotate, args=(model, texts, number, processes, loaded))
        for number in range(processes)
    ]
    for process in shares:
        process.start()
    loaded.wait()
    begun = time.perf_counter()
    for process in shares:
        process.join()
    elapsed = time.perf_counter() - begun
    if any(process.exitcode for process in shares):
        raise RuntimeError("a process of the bare engine failed")
    with texts.open() as lines:
        return sum(1 for _ in lines) / elapsed


def _annotate(model: Path, texts: Path, number: int, processes: int, loaded: Barrier) -> None:
    engine = LocalModel.load(model, model.stem)
    loaded.wait()
    with texts.open() as lines:
        mine: Iterator[str] = islice(lines, number, None, processes)
        while chunk := [json.loads(line)["text"] for line in islice(mine, _CHUNK)]:
            engine.annotate(chunk, frozenset(Task))
