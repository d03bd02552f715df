"""A stand-in of a cohere-finetune container: its HTTP service, and its work without a GPU.

Real HTTP on loopback and real files; what it does wrong it does as the original: one training in
memory, statuses without ids, refusals in the same words, HTML where Flask answers with HTML, a
thread that dies and leaves `in progress` behind. A training takes its steps when it is told to
(`go`), so that a test sees each; `auto` takes them all at once.
"""

from tests.stand_ins.cohere_finetune.server import serving
from tests.stand_ins.cohere_finetune.trainer import Dead, Trainer

__all__ = ["Dead", "Trainer", "serving"]
