"""Vocabularies: indexing many names, and looking them up, exactly and by similarity.

    python -m benchmarks.vocabularies [--names 300000] [--corpus IGNORED]

The names are made up of syllables, in a file `id<TAB>name|synonym|synonym` as a user would upload.
"""

import argparse
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from app.terminology.formats import VocabularyFormat, read
from app.terminology.index import build_index
from app.terminology.vocabulary import Vocabulary

_SYLLABLES = (
    *("ba", "cyl", "do", "fen", "gra", "hep", "ir", "ket", "lum", "met"),
    *("nor", "ol", "pra", "quin", "ra", "sulf", "tri", "ur", "vex", "zol"),
)
_NAMES_EACH = 3
_LOOKUPS = 500


def main() -> None:
    """Build an index and ask it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--names", type=int, default=300_000)
    parser.add_argument("--corpus", help="not used: all benchmarks are called alike")
    names = parser.parse_args().names
    print(f"{os.cpu_count()} cores, {names:,} names of {names // _NAMES_EACH:,} concepts")
    with tempfile.TemporaryDirectory() as folder:
        source, index = Path(folder, "names.tsv"), Path(folder, "index")
        with source.open("w") as out:
            out.writelines(
                f"MADE:{number}\t{'|'.join(each)}\n" for number, each in _concepts(names)
            )
        before = _resident()
        begin = time.perf_counter()
        with source.open("rb") as file:
            built = build_index(read(file, VocabularyFormat.PLAIN, "Chemical"), index)
        seconds = time.perf_counter() - begin
        print(
            f"indexed in {seconds:.1f} s, {built.names / seconds:,.0f} names/s, "
            f"{index.stat().st_size / 1e6:.0f} MB; memory {before:.0f} MB before, "
            f"{_resident():.0f} MB at most"
        )
        vocabulary = Vocabulary.open(index)
        asked = [name for number, each in _concepts(names) if number % 200 == 0 for name in each]
        draw = random.Random(1)
        asked = draw.sample(asked, min(_LOOKUPS, len(asked)))
        _timed("exact", asked, lambda name: vocabulary.exact("Chemical", name))
        misspelt = [_misspelt(name, draw) for name in asked]
        _timed("similar", misspelt, lambda name: vocabulary.nearest("Chemical", name))
        vocabulary.close()


def _concepts(names: int) -> Iterator[tuple[int, list[str]]]:
    draw = random.Random(0)
    for number in range(names // _NAMES_EACH):
        yield number, [_name(draw) for _ in range(_NAMES_EACH)]


def _name(draw: random.Random) -> str:
    words = ("".join(draw.choices(_SYLLABLES, k=draw.randint(2, 4))) for _ in range(2))
    return f"{draw.randint(1, 9)}-{' '.join(words)}"


def _misspelt(name: str, draw: random.Random) -> str:
    place = draw.randrange(2, len(name))
    return name[:place] + name[place + 1 :]


def _timed(kind: str, asked: Sequence[str], look_up: Callable[[str], object]) -> None:
    times = []
    found = 0
    for name in asked:
        begin = time.perf_counter()
        found += bool(look_up(name))
        times.append(1000 * (time.perf_counter() - begin))
    cuts = statistics.quantiles(times, n=100)
    print(f"{kind}: {found} of {len(asked)} found, p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms")


def _resident() -> float:
    """Most memory this process had, in MB; the system counts in kB, macOS in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    main()
