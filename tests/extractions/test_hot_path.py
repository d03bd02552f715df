"""An extraction waits for the database only when something has to be looked up anew."""

import time
from pathlib import Path

import pytest
from sqlalchemy import event

from app.platform.lately import Lately
from app.platform.settings import Settings
from tests.api.conftest import running
from tests.stand_ins.cohere import stand_in

_CALLS = 5
_FRESH_SECONDS = 5.0


@pytest.mark.parametrize("model", ["local:rules", "cohere:command-a-03-2025"])
async def test_models_are_not_looked_up_for_each_call(tmp_path: Path, model: str) -> None:
    """Of base models nothing, but whether a server's is a tuned one, and that now and then."""
    with stand_in() as server:
        settings = Settings(
            data_dir=tmp_path, cohere_base_url=server.url, cohere_api_key="k", _env_file=None
        )
        async with running(settings) as client:
            app = client._transport.app  # type: ignore[attr-defined]
            engine = app.state.platform.database._engine.sync_engine
            asked: list[str] = []

            def look(_c: object, _cursor: object, statement: str, *_: object) -> None:
                if "models" in statement:
                    asked.append(statement)

            event.listen(engine, "before_cursor_execute", look)
            begun = time.monotonic()
            for _ in range(_CALLS):
                answer = await client.post(
                    "/v1/extractions", json={"model": model, "text": "Aspirin and tremor."}
                )
                assert answer.status_code == 200, answer.text
            passed = time.monotonic() - begun
    if model.startswith("local"):
        assert not asked
    else:
        assert 1 <= len(asked) <= 1 + passed // _FRESH_SECONDS


def test_what_was_seen_lately_is_forgotten() -> None:
    """After its seconds, and not before."""
    at = 100.0
    lately = Lately(5.0, clock=lambda: at)
    assert "a" not in lately
    lately.add("a")
    at = 104.9
    assert "a" in lately
    assert "b" not in lately
    at = 105.0
    assert "a" not in lately
