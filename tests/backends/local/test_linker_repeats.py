"""A linker learns the same, to the last bit, in any process: sets are not in one order there."""

import os
import subprocess
import sys

_TRAIN = """
import hashlib
from importlib.resources import files
from app.backends.local.linker_training import train_linker
from app.corpora import pubtator

sample = files("app.corpora") / "sample" / "train.pubtator.txt"
with sample.open("rb") as file:
    documents = [document for _, document in pubtator.read(file, print)]
state = hashlib.sha256()
for name, values in sorted(train_linker(documents).state().items()):
    state.update(name.encode() + values.tobytes())
print(len(documents), state.hexdigest())
"""


def learnt(seed: str) -> str:
    """What a process with this seed of its hashes has learnt from the sample."""
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", _TRAIN]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=120
    ).stdout


def test_two_processes_learn_the_same() -> None:
    first, second = learnt("1"), learnt("2")
    assert first.startswith("88 ")
    assert first == second
