"""What the container would choke on is refused before it is posted."""

import asyncio
import json

import pytest

from app.backends.base import BackendError, JobStatus
from tests.backends.cohere_finetune.conftest import Scene, lines, rows

GOOD = lines(rows(9))


def row(prompt: object = None, completion: object = "- x") -> str:
    whole = rows(1)[0]
    return json.dumps({"prompt": prompt or whole["prompt"], "completion": completion}) + "\n"


def chat(*roles: str, **more: object) -> str:
    turns = [{"role": role, "content": "x"} for role in roles]
    return json.dumps({"messages": turns, **more}) + "\n"


BAD = {
    "not JSON": GOOD + '{"prompt": "Confidential',
    "too deep": GOOD + "[" * 100_000,
    "an array": GOOD + "[1]\n",
    "no completion": GOOD + '{"prompt": "Confidential"}\n',
    "a number": GOOD + row(completion=5),
    "other words": GOOD + row(prompt="Confidential: which diseases?"),
    "nothing to answer": GOOD + row(completion="  \n"),
    "half a surrogate": GOOD + row(completion="- Confidential \ud800"),
    "a null character": GOOD + row(completion="- Confidential \0"),
    "not UTF-8": GOOD + '{"prompt": "\udce4"}\n',
    "other roles": GOOD + chat("user", "assistant"),
    "no answer": GOOD + chat("System", "User"),
    "two questions": GOOD + chat("System", "User", "User", "Chatbot"),
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
async def test_refuses_a_bad_line(scene: Scene, content: str) -> None:
    """With its number and without its text; nothing is posted, nothing stays."""
    for content_of in ("content", "evaluation"):
        job = scene.job(**{content_of: content})  # type: ignore[arg-type]
        with pytest.raises(BackendError, match=r"[Ll]ine 10\b") as caught:
            await scene.backend().launch(job)
        assert caught.value.code == "training_data_refused"
        assert not caught.value.retryable
        assert "Confidential" not in str(caught.value)
        assert not list(scene.trainer.root.iterdir())
        assert not scene.trainer.calls


@pytest.mark.parametrize(
    ("training", "evaluation", "eval_percentage", "enough"),
    [
        (5, None, 0.2, True),
        (4, None, 0.2, False),
        (19, None, 0.05, False),
        (20, None, 0.05, True),
        (2, None, 0.5, True),
        (1, None, 0.5, False),
        (1, 1, 0.2, True),
        (1, 0, 0.2, False),
        (0, 1, 0.2, False),
        (0, None, 0.5, False),
    ],
)
async def test_refuses_too_few_rows(
    scene: Scene, training: int, evaluation: int | None, eval_percentage: float, enough: bool
) -> None:
    """Exactly when the container would, which then trains; doubled rows do not count."""
    content = lines(rows(training)) * 2
    job = scene.job(
        content=content,
        evaluation=None if evaluation is None else lines(rows(evaluation)),
        hyperparameters={"eval_percentage": eval_percentage},
    )
    if enough:
        assert (await scene.driven(scene.backend(), job)).status is JobStatus.SUCCEEDED
    else:
        with pytest.raises(BackendError) as caught:
            await scene.backend().launch(job)
        assert caught.value.code == "training_data_refused"


async def test_writes_every_row_as_the_model_will_be_asked(scene: Scene) -> None:
    """System turn, user turn, answer, and no more; blank lines, ids and splits are left out."""
    wanted = [json.loads(json.dumps(each)) for each in rows(6, "chat")]
    given = [{**each, "id": "7", "split": "train"} for each in rows(6)]
    await scene.backend().launch(scene.job(content=lines(given).replace("\n", "\n\n \n")))
    path = scene.trainer.root / "ft_1/input/data/training/rows.jsonl"
    assert [json.loads(line) for line in path.read_text("ascii").splitlines()] == wanted


async def test_says_which_rows_may_be_too_long(scene: Scene) -> None:
    """The container leaves them out without a word."""
    long = rows(1)[0]
    long["prompt"] = long["prompt"].replace("hepatitis", "hepatitis " * 8000)
    backend = scene.backend()
    await backend.launch(scene.job(content=GOOD + lines([long])))
    (warning,) = (await backend.poll("ft_1")).warnings
    assert warning.startswith("1 rows may be longer than 16,384 tokens")


async def test_a_launch_that_is_cut_off_leaves_no_half_training(scene: Scene) -> None:
    """It has ended when its cancellation has; what is left is all or nothing."""
    backend = scene.backend()
    job = scene.job(content=lines(rows(3000)))
    for seconds in (0.001, 0.03, 0.06, 0.1):
        launching = asyncio.create_task(backend.launch(job))
        await asyncio.sleep(seconds)
        launching.cancel()
        await asyncio.wait({launching})
        names = [path.name for path in scene.trainer.root.iterdir()]
        assert names in ([], ["ft_1"])
    assert (await scene.driven(backend, job)).status is JobStatus.SUCCEEDED
    assert scene.trainer.trained == ["ft_1"]
    assert sum(scene.trainer.rows) == 3000


async def test_what_a_killed_process_left_is_removed(scene: Scene) -> None:
    """By the next launch, or when the training is forgotten."""
    left = scene.trainer.root / ".medtune-ft_1"
    for act in (scene.backend().forget, lambda _: scene.backend().launch(scene.job())):
        (left / "input").mkdir(parents=True)
        (left / "input/rows.jsonl").write_text("Confidential")
        await act("ft_1")
        assert not left.exists()
