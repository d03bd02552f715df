"""What the container checks: hyperparameters, and the files of rows."""

import csv
import json
import math
from pathlib import Path
from typing import Any

BASE_MODELS = {
    "command-r",
    "command-r-08-2024",
    "command-r-plus",
    "command-r-plus-08-2024",
    "command-r-7b-12-2024",
    "command-a-03-2025",
    "aya-expanse-8b",
    "aya-expanse-32b",
}
STRATEGIES = ("vanilla", "fsdp", "deepspeed")


def file(folder: Path) -> Path | None:
    """The file that is trained on: a CSV before a JSONL, hidden ones too, the first there is."""
    return next((found for end in ("csv", "jsonl") for found in folder.glob(f"*.{end}")), None)


def as_chats(source: Path) -> Path:
    """Rows of prompts rewritten as chats, in a file beside."""
    if source.suffix == ".csv":
        with source.open(encoding="utf-8", newline="") as file:
            rows = [{"prompt": row[0], "completion": row[1]} for row in csv.reader(file)]
        target = source.with_suffix(".jsonl")
    else:
        lines = source.read_text(encoding="ascii").splitlines()
        first = json.loads(lines[0])
        if not {"prompt", "completion"} <= first.keys():
            return source
        rows = [json.loads(line) for line in lines if line.strip()]
        target = source.with_stem(f"{source.stem}_chat")
    turns = [(("User", row["prompt"]), ("Chatbot", row["completion"])) for row in rows]
    chats = [{"messages": [{"role": r, "content": c} for r, c in each]} for each in turns]
    target.write_text("".join(json.dumps(chat) + "\n" for chat in chats))
    return target


def valid_chats(source: Path) -> list[dict[str, Any]]:
    """What is valid, each once; the rest is dropped without a word."""
    with source.open(encoding="ascii") as file:
        chats = [json.loads(line) for line in file]  # a blank line is no JSON
    valid = {json.dumps(chat): chat for chat in chats if _valid(chat)}
    if not valid:
        raise RuntimeError("There must be at least one valid chat")
    return list(valid.values())


def _valid(chat: object) -> bool:
    match chat:
        case {"messages": [*turns], **rest} if not rest:
            keys = all(isinstance(t, dict) and t.keys() == {"role", "content"} for t in turns)
            roles = [turn["role"] for turn in turns] if keys else []
            return roles in (["System", "User", "Chatbot"], ["User", "Chatbot"])
    return False


def hyperparameters(body: dict[str, Any], gpus: int) -> dict[str, Any]:
    """The checked hyperparameters; raises TypeError and ValueError as the original does."""
    defaults = {
        "base_model_name_or_path": "command-r-08-2024",
        "parallel_strategy": "fsdp",
        "finetune_strategy": "lora",
        "use_4bit_quantization": "false",
        "gradient_checkpointing": "true",
        "gradient_accumulation_steps": 1,
        "train_epochs": 1,
        "train_batch_size": 16,
        "validation_batch_size": 16,
        "learning_rate": 1e-4,
        "eval_percentage": 0.2,
        "lora_config": {},
        "wandb_config": {},
    }
    job = {**defaults, **body}
    for key in body.keys() - defaults.keys() - {"finetune_name"}:
        raise TypeError(f"Hyperparameters.__init__() got an unexpected keyword argument '{key}'")
    lora = {"rank": 8, "alpha": 1, "rslora": "true", **job["lora_config"]}
    for key in job["lora_config"].keys() - {"rank", "alpha", "rslora", "target_modules"}:
        raise TypeError(f"LoraConfig.__init__() got an unexpected keyword argument '{key}'")
    if job["wandb_config"] and job["wandb_config"].get("run_id") is None:
        raise AssertionError("the original's trainer would not start")
    for value in (job["use_4bit_quantization"], job["gradient_checkpointing"], lora["rslora"]):
        json.loads(value)  # TypeError for a JSON true
    if job["base_model_name_or_path"] not in BASE_MODELS:
        name = job["base_model_name_or_path"]
        raise ValueError(f"{name} is not a valid and supported model name")
    if job["parallel_strategy"] not in STRATEGIES or job["finetune_strategy"] != "lora":
        raise ValueError("that is not a valid strategy")
    counts = ("gradient_accumulation_steps", "train_epochs", "train_batch_size")
    ranges = dict.fromkeys((*counts, "validation_batch_size"), (1.0, math.inf))
    ranges |= {"learning_rate": (1e-5, 1.0), "eval_percentage": (0.05, 0.5)}
    for key, (low, high) in ranges.items():
        if not low <= float(job[key]) <= high:
            raise ValueError(f"{key} is equal to {job[key]}, which is not between {low} and {high}")
    if min(lora["rank"], lora["alpha"]) < 1:
        raise ValueError("rank or alpha is too small")
    parts = gpus if job["parallel_strategy"] != "vanilla" else 1
    if job["train_batch_size"] % (parts * job["gradient_accumulation_steps"]):
        raise ValueError(
            f"train_batch_size {job['train_batch_size']} is not divisible by n_batch_partitions * "
            f"gradient_accumulation_steps = {parts} * {job['gradient_accumulation_steps']}"
        )
    if job["validation_batch_size"] % parts:
        raise ValueError("validation_batch_size is not divisible by n_batch_partitions")
    return job
