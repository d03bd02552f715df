"""The forms under which one name may be written: case, plural, hyphens, Greek, word order.

A name has several keys, from the strictest to the loosest. Two names that share a key are written
alike to that degree, and each key says by its first character to which: `=` as written, `~` without
case, `-` without plural, hyphens and spaces, `#` without the order of the words, `@` with each word
as the one that stands for its meaning (`app.terminology.roots`).
"""

from app.terminology.remembering import remembered
from app.terminology.roots import canonical
from app.terminology.words import JOINING, words


@remembered(20_000)
def keys(name: str) -> tuple[str, ...]:
    """The keys of a name, the strictest first; a form that has no letter or digit has no key."""
    written = " ".join(name.split())
    parts = words(name)
    found = [f"={written}", f"~{written.casefold()}"]
    if parts:
        found.append("-" + "".join(parts))
        found.append("#" + " ".join(sorted({part for part in parts if part not in JOINING})))
        found.append("@" + " ".join(sorted(set(canonical(name)))))
    return tuple(dict.fromkeys(key for key in found if len(key) > 1))


def grams(name: str, size: int = 3) -> list[str]:
    """The character n-grams of the name's words, each word with a blank on either side, in order.

    Names are compared by the n-grams they share (TF-IDF weighted), which finds small differences of
    spelling that no rule knows of.
    """
    text = f" {' '.join(words(name))} "
    return [text[start : start + size] for start in range(max(0, len(text) - size + 1))]
