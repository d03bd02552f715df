"""What a client may choose is described and bounded."""

import pytest
from pydantic import ValidationError

from app.backends.local.hyperparameters import LocalHyperparameters
from app.backends.local.options import relation_options


def test_every_field_has_a_description_a_client_can_read() -> None:
    properties = LocalHyperparameters.model_json_schema()["properties"]
    assert {"preset", "iterations", "c1", "c2", "folds", "relation_threshold", "seed"} <= set(
        properties
    )
    assert all(len(each["description"]) > 20 for each in properties.values())


@pytest.mark.parametrize(
    "chosen",
    [
        {"preset": "best"},
        {"epochs": 3},
        {"iterations": 0},
        {"c1": -0.1},
        {"folds": 11},
        {"relation_threshold": 1.0},
        {"relation_folds": 1},
        {"seed": -1},
    ],
)
def test_what_makes_no_sense_is_refused(chosen: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LocalHyperparameters.model_validate(chosen)


def test_what_is_chosen_beats_the_preset() -> None:
    preset = relation_options(LocalHyperparameters(preset="fast"))
    chosen = relation_options(
        LocalHyperparameters(
            preset="fast", relation_c2=3.0, relation_folds=7, relation_threshold=0.4, seed=9
        )
    )
    assert (preset.folds, preset.threshold, preset.seed) == (2, None, 0)
    assert (chosen.c2, chosen.folds, chosen.threshold, chosen.seed) == (3.0, 7, 0.4, 9)
