"""The service killed between announcing and delivering: the next one delivers."""

import os
import signal
import threading
from pathlib import Path

from app.own_service import own_service
from tests.api.conftest import SAMPLE
from tests.databases import environment
from tests.e2e.test_story import create, finished, wait_for
from tests.notifications.conftest import TARGETS, Post, receiver, verified


def test_a_kill_loses_no_message(tmp_path: Path, database_url: str | None) -> None:
    """kill -9 while the receiver still thinks: it gets the same message again, once it is up."""
    settings = {**environment(database_url), "MEDTUNE_NOTIFY_PRIVATE": "true"}
    killed = threading.Event()

    def answer(_number: int, _post: Post) -> tuple[int, dict[str, str]]:
        killed.wait(60)
        return 204, {}

    with receiver() as hook:
        hook.answer = answer
        with own_service(tmp_path, settings) as service:
            body = {"kind": "webhook", "address": hook.address, "events": ["dataset.*"]}
            target = service.client.post(TARGETS, json=body).json()
            files = {"file": ("dev.txt", (SAMPLE / "dev.pubtator.txt").read_bytes())}
            location = create(service.client, "/v1/datasets", files=files)
            dataset = finished(service.client, location)
            wait_for(lambda: hook.posts, "nothing is being delivered", 30)
            os.kill(service.process.pid, signal.SIGKILL)
            service.process.wait(10)
        killed.set()
        path = f"{TARGETS}/{target['id']}/deliveries"
        with own_service(tmp_path, settings) as service:
            wait_for(lambda: len(hook.posts) == 2, "the message is not sent again", 60)

            def delivered() -> bool:
                [delivery] = service.client.get(path).json()["items"]
                return bool(delivery["status"] == "delivered")

            wait_for(delivered, "the delivery has not ended", 30)
    assert len({post.id for post in hook.posts}) == 1
    for post in hook.posts:
        assert verified(post, target["secret"])["data"]["id"] == dataset["id"]
    log = (tmp_path / "service.log").read_text()
    assert '"level": "error"' not in log
    assert target["secret"] not in log
    assert hook.address not in log
