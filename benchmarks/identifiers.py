"""Identifiers on BC5CDR: learnt from train, measured on dev, of gold mentions and of found ones.

    python -m benchmarks.identifiers [--corpus FOLDER] [--preset balanced] [--runs 5]

The corpus folder (or MEDTUNE_CORPUS) holds `train.pubtator.txt` and `dev.pubtator.txt`. Scores are
of the concepts of whole documents, as BioCreative V counts them, with no vocabulary but the names
of training. Speed is that of one core: the process pins itself to one where the system lets it.
"""

import os
import statistics
import time
from collections.abc import Callable, Sequence

from app.backends.base import FoundMention
from app.backends.local.linker import Linker
from app.backends.local.linker_training import train_linker
from app.backends.local.stages import PRESETS
from app.backends.local.tagger import Tagger
from app.corpora.documents import MENTION_TYPES, Document
from app.corpora.scoring import Counts, score_concepts
from benchmarks._shared import arguments_of, shown, silent, train_and_dev

Mentions = Callable[[Document], Sequence[FoundMention]]


def main() -> None:
    """Train, measure, print."""
    parser = arguments_of(__doc__)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    train, dev = train_and_dev(arguments.corpus)
    print(f"{os.cpu_count()} cores, {len(train)} documents to train on, {len(dev)} to measure on")
    begin = time.perf_counter()
    linker = train_linker(train)
    print(f"linker: trained in {time.perf_counter() - begin:.1f} s")
    known = {(m.type, each) for d in train for m in d.mentions for each in m.identifiers}
    for type_ in MENTION_TYPES:
        ids = {(d.id, i) for d in dev for m in d.mentions if m.type == type_ for i in m.identifiers}
        share = sum((type_, each) in known for _, each in ids) / len(ids)
        print(f"  {type_:9}{100 * share:.1f} % of the concepts of dev were seen in training")
    print("gold mentions")
    _accuracy(linker, dev, _gold)
    tagger = Tagger.train(train, PRESETS[arguments.preset], silent)
    texts, titles = [each.text for each in dev], [each.body_offset for each in dev]
    found = dict(zip((each.id for each in dev), tagger.tag(texts, titles), strict=True))
    print(f"found mentions, {arguments.preset}")
    _accuracy(linker, dev, lambda document: found[document.id])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    _speed(linker, tagger, dev, arguments.runs)


def _gold(document: Document) -> list[FoundMention]:
    return [FoundMention(each.start, each.end, each.type) for each in document.mentions]


def _accuracy(linker: Linker, dev: Sequence[Document], mentions: Mentions) -> None:
    for type_ in MENTION_TYPES:
        counts = Counts()
        for document in dev:
            linked = linker.link(document.text, mentions(document))
            counts += score_concepts(document.mentions, linked, type_)
        print(f"  {type_:9}{shown(counts)}")


def _speed(linker: Linker, tagger: Tagger, dev: Sequence[Document], runs: int) -> None:
    """Tagging and linking, one text at a time, each run by a linker that remembers nothing."""
    rates = []
    for _ in range(runs):
        fresh = Linker.from_state(linker.state())
        begin = time.perf_counter()
        for document in dev:
            (mentions,) = tagger.tag([document.text], [document.body_offset])
            fresh.link(document.text, mentions)
        rates.append(len(dev) / (time.perf_counter() - begin))
    print(
        f"mentions and identifiers: {statistics.median(rates):.0f} documents/s (median of {runs})"
    )


if __name__ == "__main__":
    main()
