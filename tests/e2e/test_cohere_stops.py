"""The service stopped as operators stop it (SIGTERM) while it talks to a Cohere server."""

from pathlib import Path

from tests.e2e.test_cohere_story import FINE_TUNES, cohere, fine_tune, medtune, training_file
from tests.e2e.test_story import finished, wait_for
from tests.stand_ins.cohere import Fault, StandIn

__all__ = ["cohere"]  # a fixture

# What each of the fine-tunes waits for when the service is stopped, and how long it would have to.
# The last is done although nobody waits any more: before the next process stops looking for it.
HANGING = [
    ("GET", f"^{FINE_TUNES}/[^/]+$", 20.0),
    ("POST", "^/v1/datasets$", 20.0),
    ("GET", "^/v1/datasets/[^/]+$", 20.0),
    ("GET", f"^{FINE_TUNES}$", 20.0),
    ("POST", f"^{FINE_TUNES}$", 4.0),
]


def test_stopped_in_the_middle_of_everything_it_goes_on(tmp_path: Path, cohere: StandIn) -> None:
    """Five fine-tunes, each stopped in another call: none fails, none is launched twice."""
    locations = []
    with medtune(tmp_path, cohere) as service:
        rows = training_file(service.client)
        for number, (method, path, seconds) in enumerate(HANGING):
            before = len(cohere.asked(method, path))
            cohere.faults.add(path, Fault(delay=seconds), method=method)
            locations.append(fine_tune(service.client, rows, f"stop {number}"))

            def hangs(method: str = method, path: str = path, before: int = before) -> bool:
                return len(cohere.asked(method, path)) > before

            wait_for(hangs, f"{method} {path} was not asked for")
        service.process.terminate()
        assert service.process.wait(20) == 0
    with medtune(tmp_path, cohere) as service:
        for location, moment in zip(locations, HANGING, strict=True):
            events = service.client.get(f"{location}/events").json()["items"]
            assert [event["type"] for event in events][-1] != "failed", (moment, events)
        for location, moment in zip(locations, HANGING, strict=True):
            tuned = finished(service.client, location)
            assert (tuned["status"], tuned["error"]) == ("succeeded", None), (moment, tuned)
    remote = list(cohere.state.fine_tunes.values())
    assert len({tune.name for tune in remote}) == len(remote) == len(HANGING), "launched twice"
    assert not any(tune.deleted for tune in remote)
    assert not cohere.state.datasets, "the training data is left on the server"
    assert '"level": "error"' not in service.log.read_text()
