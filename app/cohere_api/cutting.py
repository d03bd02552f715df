"""Where an answer is cut off: at a number of tokens, or at a sequence of the client's choice.

A token is a run of letters, digits and underscores or any other single character, together with
the white space before it.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from typing import Literal

FinishReason = Literal["COMPLETE", "MAX_TOKENS", "STOP_SEQUENCE"]

_TOKEN = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")


@dataclass(frozen=True, slots=True)
class Cut:
    """What ends an answer; the text holds none of `before` and ends with one of `after`."""

    max_tokens: int | None = None
    before: Collection[str] = ()
    after: Collection[str] = ()

    def of(self, text: str) -> tuple[str, FinishReason]:
        """The text up to where it is cut first, and why it ends there."""
        reason: FinishReason = "COMPLETE"
        if self.max_tokens is not None:
            end = 0
            # No text has more tokens than characters, and `islice` takes no larger numbers.
            for token in islice(_TOKEN.finditer(text), min(self.max_tokens, len(text))):
                end = token.end()
            if end < len(text):
                text, reason = text[:end], "MAX_TOKENS"
        # (place it is complete at, place it is cut at): what is complete first ends the answer.
        found = [
            (at + len(stop), at + len(stop) * keeps)
            for stops, keeps in ((self.before, False), (self.after, True))
            for stop in stops
            if stop and (at := text.find(stop)) >= 0
        ]
        return (text[: min(found)[1]], "STOP_SEQUENCE") if found else (text, reason)
