"""Strings as numpy arrays, and groups of arrays by prefix: what model state is written as."""

import json
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

State = dict[str, NDArray[np.generic]]


def pack_strings(strings: Iterable[str]) -> NDArray[np.uint8]:
    """The strings as the bytes of one JSON list in ASCII, so that any string survives."""
    return np.frombuffer(json.dumps(list(strings)).encode("ascii"), np.uint8)


def unpack_strings(array: NDArray[np.generic]) -> list[str]:
    """The inverse of `pack_strings`; ValueError if the array is anything else."""
    strings = json.loads(array.tobytes())
    if not isinstance(strings, list) or not all(isinstance(item, str) for item in strings):
        raise ValueError("not a list of strings")
    return strings


def prefixed(name: str, state: Mapping[str, NDArray[np.generic]]) -> State:
    """The state with `name.` before each key, to lie beside another's."""
    return {f"{name}.{key}": array for key, array in state.items()}


def section(name: str, state: Mapping[str, NDArray[np.generic]]) -> State:
    """The inverse of `prefixed`: only what was stored under `name`."""
    start = f"{name}."
    return {key.removeprefix(start): array for key, array in state.items() if key.startswith(start)}
