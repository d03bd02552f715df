"""The container's memory and its work on a training."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.stand_ins.cohere_finetune.checks import as_chats, file, hyperparameters, valid_chats

STEPS = ("read", "preprocess", "train", "merge", "end")


class Dead(Exception):  # noqa: N818
    """Ends the training's thread where the original does not catch: in progress for ever."""


@dataclass
class Trainer:
    """The container's memory and what tests may do to it; `root` is its PATH_PREFIX.

    `posts` are the bodies of all trainings it took, `trained` the names that it began to train,
    `calls` all requests. `gpus` divide batches. `fault` may raise before the step it is given.
    """

    root: Path
    auto: bool = True
    gpus: int = 1
    status: str = "idle"
    message: str = ""
    job: dict[str, Any] | None = None
    posts: list[dict[str, Any]] = field(default_factory=list)
    trained: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    terminated: int = 0
    slow_start: int = (
        0  # looks for which it is still idle after the 202: its thread sets the status
    )
    supervised: bool = True  # it is started anew when it has ended
    fault: Callable[[str], None] = lambda step: None
    cut: str = ""  # a call whose connection is cut: "before /path" or "after /path"
    proxied: int = 0  # a status that something in between answers everything with
    gone: bool = False  # nobody answers
    steps: Iterator[str] = field(default_factory=lambda: iter(()))

    def finetune(self, body: dict[str, Any]) -> tuple[int, dict[str, str]]:
        """POST /finetune."""
        if self.status == "in progress":
            return 409, {"message": "There is already a finetune in progress"}
        self.status, self.message, self.job = "idle", "", None
        folder = self.root / body["finetune_name"]  # without a name: an exception, a 500
        try:
            self.job = hyperparameters(body, self.gpus)
        except ValueError as error:
            return 400, {"message": f"Invalid hyperparameter values: {error}"}
        except TypeError as error:
            return 400, {"message": f"Invalid hyperparameter types: {error}"}
        self.posts.append(body)
        self.steps = self._work(folder, self.job)
        if not self.slow_start:
            self.status = "in progress"
            if self.auto:
                self.go()
        return 202, {"message": "Finetune started."}

    def go(self, until: str = "end") -> None:
        """Let the training take its steps up to this one."""
        if self.job is None or self.status in ("finished", "error"):
            return
        self.status = "in progress"
        try:
            for step in self.steps:
                if step == until:
                    break
        except Dead:
            self.steps = iter(())
        except Exception as error:
            self.status, self.message = "error", str(error)

    def terminate(self) -> tuple[int, dict[str, str]]:
        """GET /terminate: the process ends, and the container with it."""
        self.terminated += 1
        self.restart()
        self.gone = not self.supervised
        return 200, {"message": "Server terminated"}

    def look(self) -> tuple[int, dict[str, str]]:
        """GET /status."""
        said = {"status": self.status}
        if self.slow_start and self.posts and self.status == "idle":
            self.slow_start -= 1
            self.status = "idle" if self.slow_start else "in progress"
        return 200, {**said, "message": self.message} if self.message else said

    def restart(self) -> None:
        """The process ends and begins anew: it remembers nothing."""
        self.gone = False
        self.status, self.message, self.job, self.steps = "idle", "", None, iter(())

    def _work(self, folder: Path, job: dict[str, Any]) -> Iterator[str]:
        for step in STEPS:
            self.fault(step)
            getattr(self, f"_{step}")(folder, job)
            yield step

    def _read(self, folder: Path, job: dict[str, Any]) -> None:
        self._sources = [file(folder / "input/data" / each) for each in ("training", "evaluation")]
        if self._sources[0] is None:
            where = folder / "input/data/training"
            raise ValueError(
                "Missing files during dataset creation: "
                f"No csv or jsonl files found for training under {where}"
            )
        try:
            self._sources = [source and as_chats(source) for source in self._sources]
        except (ValueError, KeyError) as error:
            raise ValueError(f"Exception during dataset creation: {error}") from None

    def _preprocess(self, folder: Path, job: dict[str, Any]) -> None:
        try:
            sides = [valid_chats(source) for source in self._sources if source]
            if len(sides) == 1:
                part = int(len(sides[0]) * job["eval_percentage"])
                sides = [sides[0][part:], sides[0][:part]]
                if not all(sides):
                    raise RuntimeError(
                        "There must be at least one sample in the training set and the "
                        "evaluation set, respectively"
                    )
        except RuntimeError as error:
            raise ValueError(f"Exception during preprocessing: {error}") from None
        except ValueError:
            raise Dead from None  # a line that is no JSON
        for name, chats in zip(("train", "eval"), sides, strict=True):
            path = folder / "finetune/data" / f"{name}.csv"
            if path.exists():
                raise Dead  # FileExistsError
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", encoding="utf-8", newline="") as out:
                rows = csv.writer(out)
                rows.writerow(["prompt", "completion"])
                for chat in chats:
                    *asking, answer = (turn["content"] for turn in chat["messages"])
                    try:
                        rows.writerow(["\n".join(asking), answer])
                    except UnicodeEncodeError:
                        raise Dead from None
        self.rows = [len(side) for side in sides]

    def _train(self, folder: Path, job: dict[str, Any]) -> None:
        self.trained.append(folder.name)
        steps = max(1, self.rows[0] // job["train_batch_size"])
        history: list[dict[str, float]] = []
        for epoch in range(1, job["train_epochs"] + 1):
            for step in range(steps * (epoch - 1) + 1, steps * epoch + 1):
                done = {"epoch": step / steps, "step": step}
                history.append({**done, "loss": 2 / step, "grad_norm": 1.0, "learning_rate": 1e-4})
            history.append({**done, "eval_loss": 2.5 / step, "eval_runtime": 0.1})
            path = folder / f"finetune/checkpoints/checkpoint-{step}/trainer_state.json"
            path.parent.mkdir(parents=True)
            path.write_text(
                json.dumps(
                    {
                        "global_step": step,
                        "max_steps": steps * job["train_epochs"],
                        "log_history": history,
                    }
                )
            )

    def _merge(self, folder: Path, job: dict[str, Any]) -> None:
        weights = folder / "output/merged_weights"
        weights.mkdir(parents=True)
        for name in ("config.json", "model-00001-of-00002.safetensors"):
            (weights / name).write_bytes(b"{}")

    def _end(self, folder: Path, job: dict[str, Any]) -> None:
        weights = folder / "output/merged_weights"
        (weights / "model-00002-of-00002.safetensors").write_bytes(b"{}")
        shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
        (weights / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
        (weights / "tokenizer_config.json").write_text("{}")
        self.status = "finished"
