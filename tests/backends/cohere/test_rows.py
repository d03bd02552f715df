"""What is handed to a Cohere server: rows, hyperparameters, names."""

import io
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.backends.base import BackendError
from app.backends.cohere.hyperparameters import CohereHyperparameters
from app.backends.cohere.rows import write_chat_rows
from app.backends.cohere.training import remote_name
from app.prompts.templates import BUILT_IN
from tests.backends.cohere.tuning import NAME, REFERENCE, write_rows


def rewritten(path: Path) -> bytes:
    """A training file as it is uploaded."""
    target = io.BytesIO()
    write_chat_rows(path, target, BUILT_IN)
    return target.getvalue()


def test_both_row_formats_are_uploaded_alike(tmp_path: Path) -> None:
    """A chat file goes to the letter, and a prompt file becomes the very same."""
    chat = write_rows(tmp_path / "chat.jsonl", "chat").rows
    prompts = write_rows(tmp_path / "prompts.jsonl").rows
    assert rewritten(chat) == chat.read_bytes()
    assert rewritten(prompts) == chat.read_bytes()


def test_unknown_prompt_has_no_system_turn(tmp_path: Path) -> None:
    """A prompt in words of another template goes as a user turn, whole."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "Name them.", "completion": "- a"}', encoding="utf-8")
    turns = json.loads(rewritten(path))["messages"]
    assert [(turn["role"], turn["content"]) for turn in turns] == [
        ("User", "Name them."),
        ("Chatbot", "- a"),
    ]


@pytest.mark.parametrize("line", ["nonsense secret", "[1]", '{"prompt": 1, "completion": "x"}'])
def test_bad_row_is_named_not_shown(tmp_path: Path, line: str) -> None:
    """A line that is no row has its number in the error, and no other trace."""
    path = tmp_path / "rows.jsonl"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(BackendError, match=r"Line 2 .* not a training row") as caught:
        rewritten(path)
    assert caught.value.code == "training_data_refused"
    assert caught.value.__context__ is None


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
