"""The arithmetic of rate limits: shards begun in a minute make no more calls than allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.extraction_batches.sizing import shard_queue, texts_per_shard, window
from app.platform.remote_settings import RemoteServer
from app.platform.settings import Settings


@given(limit=st.integers(3, 100_000), tasks=st.integers(1, 3), most=st.integers(1, 10_000))
def test_the_limit_is_kept_and_used(limit: int, tasks: int, most: int) -> None:
    """And at least a third of it is used, if shards are large enough and all tasks are asked."""
    shards = shard_queue(limit).per_minute
    assert shards is not None
    texts = texts_per_shard(most, tasks, limit)
    assert shards * texts * tasks <= limit
    assert 1 <= texts <= most
    if most == 10_000 and limit < 10_000 and tasks == 3:
        assert shards * texts * tasks >= limit / 3


@pytest.mark.parametrize(
    ("limit", "shards", "texts"), [(20, 6, 1), (500, 10, 16), (10_000, 10, 333)]
)
def test_what_servers_allow(limit: int, shards: int, texts: int) -> None:
    """Cohere's trial and production keys, and a server of one's own; three tasks."""
    assert shard_queue(limit).per_minute == shards
    assert texts_per_shard(500, 3, limit) == texts


def test_without_a_limit() -> None:
    """As the settings say, as fast as it goes."""
    assert shard_queue(None).per_minute is None
    assert texts_per_shard(500, 3, None) == 500


def test_the_window_grows_with_the_workers() -> None:
    """Eight at least."""
    assert [window(n) for n in (1, 2, 10)] == [8, 16, 80]


def test_limits_of_backends() -> None:
    """Each server has its own; other backends have none."""
    settings = Settings(
        _env_file=None,
        cohere_calls_per_minute=20,
        openai_servers={"gpu": RemoteServer(calls_per_minute=7)},
    )
    names = ("cohere", "openai", "openai-gpu", "cohere-x", "cohere-finetune", "local")
    assert [settings.calls_per_minute(name) for name in names] == [20, None, 7, None, None, None]
