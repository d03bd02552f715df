"""The three extraction tasks; their values are the names used on the wire."""

from enum import StrEnum

from app.corpora.documents import MentionType


class Task(StrEnum):
    """What to extract from a text."""

    DISEASES = "diseases"
    CHEMICALS = "chemicals"
    RELATIONS = "relations"


MENTION_TASKS: dict[Task, MentionType] = {Task.DISEASES: "Disease", Task.CHEMICALS: "Chemical"}
