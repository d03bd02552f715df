"""Logs: JSON lines, and never what an exception said."""

import json
import logging

import pytest
import structlog

from app.platform.logs import configure_logs, quieten


@pytest.mark.usefixtures("logs_restored")
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


@pytest.mark.usefixtures("logs_restored")
def test_what_is_said_again_and_again_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a library that was quietened: the same is not written soon again, other things are."""
    configure_logs("INFO")
    for _ in range(2):
        quieten("loud")
    for number in range(50):
        logging.getLogger("loud").warning(f"Cannot reach the database of the whole lot: {number}")
    logging.getLogger("loud").warning("Something else")
    logging.getLogger("other").warning("Cannot reach the database of the whole lot: 1")
    lines = [json.loads(line)["logger"] for line in capsys.readouterr().err.splitlines()]
    assert lines == ["loud", "loud", "other"]
