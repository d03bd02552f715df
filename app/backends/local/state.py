"""The tagger's dictionary and weights as plain arrays, for an npz: no pickle, no object arrays."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from app.backends.local.arrays import State, pack_strings, unpack_strings
from app.backends.local.lexicon import Lexicon
from app.backends.local.weights import Weights
from app.corpora.documents import MENTION_TYPES

Arrays = Mapping[str, NDArray[np.generic]]


def weights_state(weights: Weights) -> State:
    """One CRF; of its state weights only those that are not zero, row by row."""
    states = weights.states[:-1]
    used = states != 0
    return {
        "labels": pack_strings(weights.labels),
        "features": pack_strings(weights.features),
        "counts": used.sum(axis=1).astype(np.uint8),
        "columns": used.nonzero()[1].astype(np.uint8),
        "values": states[used],
        "transitions": weights.transitions,
    }


def weights_from_state(state: Arrays) -> Weights:
    """The inverse of `weights_state`."""
    labels = unpack_strings(state["labels"])
    features = unpack_strings(state["features"])
    states = np.zeros((len(features), len(labels)), np.float32)
    rows = np.repeat(np.arange(len(features)), state["counts"].astype(np.int64))
    states[rows, state["columns"].astype(np.int64)] = state["values"].astype(np.float32)
    return Weights(labels, features, states, state["transitions"].astype(np.float32))


def lexicon_state(lexicon: Lexicon) -> State:
    """The dictionary's strings and their counts."""
    entries = sorted(lexicon.entries)
    counts = [lexicon.entries[entry] for entry in entries]
    return {
        "entries": pack_strings(entries),
        "counts": np.array(counts, np.uint32).reshape(-1, len(MENTION_TYPES) + 1),
    }


def lexicon_from_state(state: Arrays) -> Lexicon:
    """The inverse of `lexicon_state`."""
    entries = unpack_strings(state["entries"])
    counts = state["counts"].tolist()
    return Lexicon({entry: tuple(count) for entry, count in zip(entries, counts, strict=True)})
