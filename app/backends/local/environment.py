"""The environment of processes that the service starts: trainings, and those that work off batches.

They find this very code wherever the service was started from, and use one thread each: the sums of
a training must not depend on how many cores there are, and batches have a process for each core.
"""

import os
from pathlib import Path

import app

_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def environment() -> dict[str, str]:
    """Ours, and what such a process needs."""
    root = str(Path(app.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return {**os.environ, **_ONE_THREAD, "PYTHONPATH": path}
