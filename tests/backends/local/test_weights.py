"""The fast emission scores are the plain sums of the weights of the features' names."""

import numpy as np
import pytest

from app.backends.local import weights as weights_module
from app.backends.local.evidence import Context, context_features
from app.backends.local.features import Layout, TokenFeatures, lay_out
from app.backends.local.lexicon import Lexicon
from app.backends.local.reading import read
from app.backends.local.state import weights_from_state, weights_state
from app.backends.local.weights import Weights

TRAINING = "Tremor in 5-HT1A. Chronic renal failure (CRF) was seen; CRF went away (in \u03b2-mice)."
# Shares some words, pairs and shapes with the training text, and has others of its own.
TEXTS = [TRAINING, "Renal failure (CRF) was new.", "", "x", "Tremor in 5-HT1A in 5-HT1A " * 20]
LEXICON = Lexicon({"renal failure": (0, 1, 1), "tremor": (0, 3, 4)})


def names(text: str) -> tuple[Layout, Context, list[list[str]]]:
    reading = read(text, 6)
    layout, context = lay_out(reading), context_features(reading, LEXICON, {})
    features = TokenFeatures()
    return layout, context, [features.of(layout, context, i) for i in range(len(reading.words))]


def some_weights() -> Weights:
    known = sorted({name for token in names(TRAINING)[2] for name in token})
    states = np.random.default_rng(3).normal(size=(len(known), 3)).astype(np.float32)
    states[::4, 1] = 0
    return Weights(["O", "U-Disease", "U-Chemical"], known, states, np.eye(3, dtype=np.float32))


def assert_exact(weights: Weights) -> None:
    row = {name: weights.states[i] for i, name in enumerate(weights.features)}
    for text in TEXTS:
        layout, context, tokens = names(text)
        plain = [sum((row[n] for n in token if n in row), start=np.zeros(3)) for token in tokens]
        fast = weights.emissions(layout, context)
        np.testing.assert_allclose(fast, np.reshape(plain, (-1, 3)), atol=1e-4)


def test_scores_are_the_sum_of_the_weights_of_all_features() -> None:
    weights = some_weights()
    assert_exact(weights)
    assert_exact(weights)  # now from the kept vectors


def test_scores_stay_exact_when_kept_vectors_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_module, "_KEPT_STRINGS", 2)
    assert_exact(some_weights())


def test_a_table_grows_with_its_strings() -> None:
    weights = some_weights()
    layout, context, _ = names(
        " ".join(
            f"w{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}x{'y' * (i // 676)}" for i in range(2500)
        )
    )
    assert weights.emissions(layout, context).shape == (2500, 3)
    assert_exact(weights)


def test_weights_survive_their_state() -> None:
    weights = some_weights()
    again = weights_from_state(weights_state(weights))
    assert again.labels == weights.labels
    assert list(again.features) == list(weights.features)
    np.testing.assert_array_equal(again.states, weights.states)
    np.testing.assert_array_equal(again.transitions, weights.transitions)


def test_no_two_features_of_a_token_share_a_name() -> None:
    for token in names("Tremor in 5-HT1A. Renal failure was new.")[2]:
        assert len(set(token)) == len(token)
