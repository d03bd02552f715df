"""The process that works off batches, with an engine that breaks on some words."""

import os
import signal
import sys
from collections.abc import Sequence

from app.backends.base import Annotations
from app.backends.local import bulk_process
from app.backends.local.model import LocalModel, Wishes
from app.prompts.tasks import Task

RAISES, KILLS, PRINTS = "zzraise", "zzkill", "zzprint"

_annotate = LocalModel.annotate


def _breaking(
    self: LocalModel, texts: Sequence[str], tasks: frozenset[Task], wishes: Wishes
) -> list[Annotations]:
    whole = " ".join(texts)
    if KILLS in whole:
        os.kill(os.getpid(), signal.SIGKILL)
    if RAISES in whole:
        raise ValueError(whole)
    if PRINTS in whole:
        print(whole)
    return _annotate(self, texts, tasks, wishes)


if __name__ == "__main__":
    LocalModel.annotate = _breaking  # type: ignore[assignment, method-assign]
    sys.exit(bulk_process.main())
