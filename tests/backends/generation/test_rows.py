"""Training files become chats, row by row, or are refused without a word of them."""

from pathlib import Path

import pytest

from app.backends.base import BackendError
from app.backends.generation.rows import chats
from app.prompts.templates import BUILT_IN
from tests.backends.cohere.tuning import write_rows


def rewritten(path: Path) -> str:
    """A training file as it is handed over."""
    return "".join(chats(path, BUILT_IN))


def test_both_row_formats_become_the_same(tmp_path: Path) -> None:
    """A chat file goes to the letter, and a prompt file becomes the very same."""
    chat = write_rows(tmp_path / "chat.jsonl", "chat").rows
    prompts = write_rows(tmp_path / "prompts.jsonl").rows
    assert rewritten(chat) == chat.read_text("ascii")
    assert rewritten(prompts) == chat.read_text("ascii")


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense secret",
        b"[1]",
        b"\xff secret",
        b"[" * 100_000,
        b'{"prompt": 1, "completion": "secret"}',
        b'{"prompt": "secret", "completion": "- a"}',
        b'{"messages": [{"role": "secret", "content": "secret"}]}',
        b'{"messages": "secret"}',
    ],
)
def test_a_bad_row_is_named_not_shown(tmp_path: Path, line: bytes) -> None:
    """A line that is no row has its number in the error, and no other trace."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n" + line + b"\n")
    with pytest.raises(BackendError, match=r"Line 2 .* not a training row") as caught:
        rewritten(path)
    assert caught.value.code == "training_data_refused"
    assert "secret" not in caught.value.message
    assert caught.value.__context__ is None
