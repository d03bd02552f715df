"""An evaluation that is cut off by the end of the service begins anew, and ends the same."""

from pathlib import Path

from app.platform.settings import Settings
from tests.api.conftest import running, settled
from tests.backends.openai.server import Fault, Server, open_port
from tests.evaluations.http.conftest import evaluate, sample_of, until_running


async def test_it_begins_anew_and_ends_the_same(tmp_path: Path, settings: Settings) -> None:
    """What had been answered is asked again; bytes of the first beginning are not left behind."""
    with open_port() as port:
        settings = settings.model_copy(update={"openai_base_url": port.url})
        async with running(settings) as client:
            port.server = Server(port.url)
            port.server.says = {"chemicals": "- methadone\n- estradiol\n"}
            dataset = await sample_of(client)
            request = {
                "models": ["local:rules", "openai:base"],
                "dataset_id": dataset["id"],
                "split": "dev",
                "tasks": ["chemicals"],
                "options": {"mode": "list"},
            }
            whole = await evaluate(client, **request)
            port.server.fault = Fault(200, "{}", delay=30)
            location = (await client.post("/v1/evaluations", json=request)).headers["Location"]
            await until_running(client, location)
        (tmp_path / "blobs" / location.rpartition("/")[2]).mkdir(exist_ok=True)
        (tmp_path / "blobs" / location.rpartition("/")[2] / ".half").write_bytes(b"half")
        port.server.fault = None
        async with running(settings) as client:
            again = await settled(client, location)
            assert again["status"] == "succeeded", again["error"]
            for one, other in zip(whole["results"], again["results"], strict=True):
                assert {**one, "latency": None} == {**other, "latency": None}
            assert again["comparisons"] == whole["comparisons"]
            kept = list((tmp_path / "blobs" / again["id"]).iterdir())
            first = list((tmp_path / "blobs" / whole["id"]).iterdir())
            assert {path.name for path in kept} == {path.name for path in first}
            assert len(kept) == 2
            details = f"{location}/comparison"
            assert (await client.get(details)).status_code == 200
