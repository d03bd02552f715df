"""Logs: JSON lines, and never what an exception said."""

import json
import logging

import pytest
import structlog

from app.platform.logs import configure_logs


@pytest.fixture
def _restored() -> object:
    root = logging.getLogger()
    before = root.handlers, root.level
    yield
    root.handlers, level = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("_restored")
def test_exceptions_are_logged_without_their_message(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither our logger nor another library's writes the message of an exception."""
    configure_logs("INFO")
    for logger in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        try:
            raise ValueError("Mr Smith has asthma")
        except ValueError:
            logger.exception("it_broke")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["logger"] for line in lines] == ["ours", "theirs"]
    for line in lines:
        assert line["event"] == "it_broke"
        assert line["exception"] == "builtins.ValueError"
        assert any("test_logs.py" in place for place in line["trace"])
        assert "asthma" not in json.dumps(line)
