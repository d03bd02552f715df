"""Answers to be compared: about what is another workspace's, and about what never was."""

import re

import httpx

# Cohere's API gives each of its errors an id; the playground says how long it took.
_CHANCE = re.compile(r'"id":"[0-9a-f]{8}-[0-9a-f-]{27}"|[\d.]+ m?s\b')


def never(thing: str) -> str:
    """An id or a name of that form that nobody has ever given."""
    return thing[:-8] + "00000000"


def said(answer: httpx.Response, *asked: str) -> str:
    """All of an answer that may tell one thing from another, without what was asked for."""
    text = _CHANCE.sub("", answer.text)
    for each in asked:
        text = text.replace(each, "...")
    return f"{answer.status_code} {answer.headers.get('content-type')} {text}"
