"""The words of a name, whatever their case, accents, Greek letters and plural endings."""

import re
import unicodedata

from app.terminology.remembering import remembered

_GREEK = {
    letter: unicodedata.name(letter).rsplit(" ", 1)[-1].lower()
    for letter in map(chr, [*range(0x391, 0x3A2), *range(0x3A3, 0x3AA), *range(0x3B1, 0x3CA)])
}
_GREEK_TABLE = str.maketrans({**_GREEK, "\u00b5": "mu", "\u03c2": "sigma"})
_WORD = re.compile(r"[^\W\d_]+|\d+")
# Words that only join the others: "cancer of the lung" is "lung cancer".
JOINING = frozenset(
    ("and", "by", "due", "for", "from", "in", "of", "on", "or", "the", "to", "with")
)
_LEAST_PLURAL = 4


@remembered(20_000)
def words(name: str) -> tuple[str, ...]:
    """The words and numbers of a name: lower case, without accents, Greek spelt out, singular."""
    return tuple(singular(word) for word in _WORD.findall(folded(name)))


def folded(name: str) -> str:
    """The name in lower case, without accents, Greek letters spelt out."""
    if name.isascii():
        return name.lower()
    spelt = unicodedata.normalize("NFKC", name).translate(_GREEK_TABLE)
    letters = unicodedata.normalize("NFKD", spelt)
    return "".join(each for each in letters if not unicodedata.combining(each)).casefold()


def singular(word: str) -> str:
    """A word without its plural ending, by rule: "toxicities" is "toxicity", "doses" is "dose"."""
    if len(word) < _LEAST_PLURAL or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > _LEAST_PLURAL:
        return word[:-3] + "y"
    return word[:-1]
