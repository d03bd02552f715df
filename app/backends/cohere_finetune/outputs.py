"""What a container leaves in a training's folder: signs of life, the training curve, the model.

Checkpoints and their `trainer_state.json` are those of the Hugging Face Trainer: `log_history` has
an entry for each logged step, `global_step` and `max_steps` say how far it is.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from app.backends.base import MetricPoint

_CHECKPOINT = re.compile(r"checkpoint-(\d{1,12})")
_CURVES = ("loss", "eval_loss", "learning_rate", "epoch")
_MOST_BYTES = 64 * 2**20


class Curve(NamedTuple):
    """How far the newest checkpoint is, 0 to 1, and all points logged until then."""

    progress: float = 0.0
    metrics: tuple[MetricPoint, ...] = ()


class _TrainerState(BaseModel):
    global_step: int = 0
    max_steps: int = 0
    log_history: list[dict[str, object]] = []


class _Index(BaseModel):
    weight_map: dict[str, str]


def begun(folder: Path) -> bool:
    """Whether the container has written anything of this training."""
    return (folder / "finetune").is_dir() or (folder / "output").is_dir()


def merging(folder: Path) -> bool:
    """Whether the training itself is over."""
    return (folder / "output").is_dir()


def complete(folder: Path) -> bool:
    """Whether the merged weights are all there: the container writes the tokeniser after them."""
    weights = folder / "output" / "merged_weights"
    if not all((weights / each).is_file() for each in ("config.json", "tokenizer_config.json")):
        return False
    try:
        content = (weights / "model.safetensors.index.json").read_bytes()
        shards = set(_Index.model_validate_json(content).weight_map.values())
    except FileNotFoundError:
        shards = {"model.safetensors"}
    except ValidationError:
        return False
    return bool(shards) and all((weights / each).is_file() for each in shards)


def read_curve(folder: Path) -> Curve:
    """The curve of the newest checkpoint that can be read; it may be half written."""
    for path in _checkpoints(folder / "finetune" / "checkpoints"):
        try:
            if path.stat().st_size <= _MOST_BYTES:
                return _curve(_TrainerState.model_validate_json(path.read_bytes()))
        except (OSError, ValidationError):
            continue
    return Curve()


def _checkpoints(folder: Path) -> list[Path]:
    """The states of all checkpoints, newest first."""
    steps = [
        (int(match[1]), path)
        for path in folder.glob("checkpoint-*/trainer_state.json")
        if (match := _CHECKPOINT.fullmatch(path.parent.name))
    ]
    return [path for _, path in sorted(steps, reverse=True)]


def _curve(state: _TrainerState) -> Curve:
    progress = state.global_step / state.max_steps if state.max_steps > 0 else 0.0
    points = [point for entry in state.log_history for point in _points(entry)]
    return Curve(min(max(progress, 0.0), 1.0), tuple(points))


def _points(entry: dict[str, object]) -> Iterator[MetricPoint]:
    step = entry.get("step")
    if not isinstance(step, int):
        return
    for name in _CURVES:
        value = entry.get(name)
        if isinstance(value, int | float) and math.isfinite(value):
            yield MetricPoint("training", step, name, float(value))
