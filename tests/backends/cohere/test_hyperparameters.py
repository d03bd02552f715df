"""What is handed to a Cohere server beside the rows: hyperparameters, names."""

import pytest
from pydantic import ValidationError

from app.backends.cohere.hyperparameters import CohereHyperparameters
from app.backends.cohere.requests import remote_name
from tests.backends.cohere.tuning import NAME, REFERENCE


@pytest.mark.parametrize(
    "wrong",
    [{"train_epochs": 11}, {"learning_rate": 1}, {"train_batch_size": 1}, {"wandb": {}}],
)
def test_hyperparameters_have_ranges(wrong: dict[str, object]) -> None:
    """Values beyond the published ranges, and unknown names, are refused."""
    with pytest.raises(ValidationError):
        CohereHyperparameters.model_validate(wrong)


def test_remote_names_are_short_and_distinct() -> None:
    """A reference of ours is kept whole; longer ones are shortened without meeting each other."""
    assert remote_name(REFERENCE) == NAME
    long = [remote_name("x" * length) for length in (41, 42, 500)]
    assert len({*long}) == 3
    assert all(len(name) <= 49 for name in [NAME, *long])
