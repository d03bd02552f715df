"""Mentions on BC5CDR: trained on train, measured on dev, strict spans; time, memory, size, speed.

    python -m benchmarks.mentions [--corpus FOLDER] [--preset balanced] [--runs 5]

The corpus folder (or MEDTUNE_CORPUS) holds `train.pubtator.txt` and `dev.pubtator.txt`. Speed is
that of one core: the process pins itself to one where the system lets it.
"""

import io
import os
import resource
import statistics
import sys
import time
from collections.abc import Sequence

import numpy as np

from app.backends.base import FoundMention
from app.backends.local.held_out import train_with_held_out
from app.backends.local.stages import PRESETS
from app.backends.local.tagger import Tagger
from app.corpora.documents import MENTION_TYPES, Document
from app.corpora.scoring import Counts, score_mentions
from benchmarks._shared import arguments_of, shown, silent, train_and_dev


def main() -> None:
    """Train, measure, print."""
    parser = arguments_of(__doc__)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    train, dev = train_and_dev(arguments.corpus)
    print(f"{os.cpu_count()} cores, {len(train)} documents to train on, {len(dev)} to measure on")
    begin = time.perf_counter()
    tagger, held_out = train_with_held_out(train, PRESETS[arguments.preset], silent)
    print(
        f"{arguments.preset}: trained in {time.perf_counter() - begin:.0f} s, peak {_peak():.2f} GB"
    )
    print("on the folds of train that were held out, to choose by:")
    _accuracy(train, held_out)
    state = tagger.state()
    print(f"state {_megabytes(state):.2f} MB compressed")
    # A tagger as a service has it: read from its state.
    tagger = Tagger.from_state(state)
    texts, titles = [each.text for each in dev], [each.body_offset for each in dev]
    print("on dev:")
    _accuracy(dev, tagger.tag(texts, titles))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    _speed(tagger, texts, titles, arguments.runs)


def _accuracy(documents: Sequence[Document], found: Sequence[Sequence[FoundMention]]) -> None:
    everything = Counts()
    for type_ in MENTION_TYPES:
        counts = Counts()
        for document, mentions in zip(documents, found, strict=True):
            counts += score_mentions(document.mentions, mentions, type_)
        everything += counts
        print(f"  {type_:9}{shown(counts)}")
    print(f"  {'both':9}{shown(everything)}")


def _speed(tagger: Tagger, texts: Sequence[str], titles: Sequence[int], runs: int) -> None:
    """Median of several runs over all texts: in one call, and one call a text."""
    whole, single = [], []
    for _ in range(runs):
        begin = time.perf_counter()
        tagger.tag(texts, titles)
        whole.append(len(texts) / (time.perf_counter() - begin))
        times = []
        for text, title in zip(texts, titles, strict=True):
            begin = time.perf_counter()
            tagger.tag([text], [title])
            times.append(1000 * (time.perf_counter() - begin))
        single.append((1000 * len(times) / sum(times), *_percentiles(times)))
    rate, middle, tail = (statistics.median(each) for each in zip(*single, strict=True))
    print(f"one core, median of {runs} runs:")
    print(f"  in one call   {statistics.median(whole):.0f} documents/s")
    print(f"  one at a time {rate:.0f} documents/s, p50 {middle:.2f} ms, p99 {tail:.2f} ms")


def _percentiles(times: Sequence[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(times, n=100)
    return cuts[49], cuts[98]


def _megabytes(state: dict[str, np.ndarray]) -> float:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **state)
    return len(buffer.getvalue()) / 1e6


def _peak() -> float:
    """Most memory this process had, in GB; the system counts in kB, macOS in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e9 if sys.platform == "darwin" else 1e6)


if __name__ == "__main__":
    main()
