"""The words in and around mentions, as names for the relation model.

Each function gives names without repeats, in text order, so that the same text always gives the
same list.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from app.backends.local.scene import Concept, Place, Scene

_STEM = 5
_CONTEXT = 2
_AROUND = 4
_LONGEST_PHRASE = 4
_LONGEST_BARE_PHRASE = 6
_LONGEST_BARE = 10
_LINKS = frozenset((",", "and", "or", "/", "&", "-"))


def mention_words(scene: Scene, concept: Concept, mark: str) -> list[str]:
    """The words of its mentions, and each mention as a whole."""
    mentions = [scene.words[place.start : place.end] for place in concept.places]
    names = [f"{mark}w={word}" for mention in mentions for word in mention]
    names += [f"{mark}m={' '.join(mention)}" for mention in mentions]
    return list(dict.fromkeys(names))


def context_words(scene: Scene, concept: Concept, mark: str) -> list[str]:
    """The words close by on each side of each mention, within its sentence."""
    names = []
    for place in concept.places:
        names += [
            f"{mark}l={word}" for word in _span(scene, place, place.start - _CONTEXT, place.start)
        ]
        names += [
            f"{mark}r={word}" for word in _span(scene, place, place.end, place.end + _CONTEXT)
        ]
    return list(dict.fromkeys(names))


def _span(scene: Scene, place: Place, start: int, end: int) -> Iterator[str]:
    """The words of these tokens that lie in the sentence of the place."""
    for token in range(max(start, 0), min(end, len(scene.words))):
        if scene.sentence_of[token] == place.sentence:
            yield scene.words[token]


def masked(scene: Scene, start: int, end: int) -> list[str]:
    """The words of these tokens, each mention among them as one word that says its type."""
    words = []
    while start < end:
        cover = scene.covers.get(start)
        words.append(f"#{cover[0]}" if cover else scene.words[start])
        start = max(cover[1], start + 1) if cover else start + 1
    return words


def between_names(
    words: Sequence[str], order: str, nearest: bool, in_title: bool
) -> dict[str, None]:
    """Words, stems and neighbours of what stands between, `order` saying which side is first."""
    names = [f"b{order}{word}" for word in words]
    names += [f"b{order}{'n' if nearest else 'm'}:{word[:_STEM]}" for word in words]
    names += [f"bb{order}{a} {b}" for a, b in pairwise(words)]
    if len(words) <= _LONGEST_PHRASE:
        names.append(f"b={order}{' '.join(words)}")
    if in_title:
        names += [f"bt{order}{word}" for word in words]
    return dict.fromkeys(names)


def bare(words: Sequence[str]) -> list[str]:
    """What stands between, `masked`, without what the text says of others: brackets, and the
    rest of a list that either side stands in ("x and y induced z" says "induced" of x too)."""
    kept: list[str] = []
    depth = 0
    for word in _unlisted(_unlisted(words)[::-1])[::-1]:
        depth += word == "("
        if not depth:
            kept.append(word)
        depth -= depth > 0 and word == ")"
    return kept


def _unlisted(words: Sequence[str]) -> Sequence[str]:
    """The words from the end of a list on: links and mentions that follow each other."""
    start = place = 0
    while place < len(words):
        if words[place] in _LINKS:
            place += 1
        elif words[place].startswith("#") and place > start:
            start = place = place + 1
        else:
            break
    return words[start:]


def bare_names(words: Sequence[str], order: str) -> dict[str, None]:
    """What stands between, made `bare`: as a phrase, and its words, if they are few."""
    few = bare(words)
    names = [f"k={order}{' '.join(few)}"] if len(few) <= _LONGEST_BARE_PHRASE else []
    if len(few) <= _LONGEST_BARE:
        names += [f"kw{order}{word}" for word in few]
    return dict.fromkeys(names)


def around_names(scene: Scene, left: Place, right: Place, order: str) -> dict[str, None]:
    """Some words before the left mention and after the right one, in their sentence."""
    before = _masked_span(scene, left, left.start - _AROUND, left.start)
    after = _masked_span(scene, right, right.end, right.end + _AROUND)
    names = [f"al{order}{word}" for word in before] + [f"ar{order}{word}" for word in after]
    names += [f"al1{order}{word}" for word in before[-1:]]
    names += [f"ar1{order}{word}" for word in after[:1]]
    return dict.fromkeys(names)


def _masked_span(scene: Scene, place: Place, start: int, end: int) -> list[str]:
    return [
        f"#{scene.covers[token][0]}" if token in scene.covers else scene.words[token]
        for token in range(max(start, 0), min(end, len(scene.words)))
        if scene.sentence_of[token] == place.sentence
    ]
