"""The codec of generating models: documents to questions, answers to annotations.

A backend brings `complete`, which puts one `Question` to its server and gives a `Reply`; `annotate`
does the rest. Nothing here knows HTTP or an SDK.
"""

from app.backends.generation.annotate import Complete, annotate
from app.backends.generation.questions import Question, Reply

__all__ = ["Complete", "Question", "Reply", "annotate"]
