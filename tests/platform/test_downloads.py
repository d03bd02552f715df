"""Downloads over real HTTP: a server checks the length that a response says it has."""

import pytest

from app.own_service import OwnService
from tests.api.test_datasets import ONE
from tests.platform.test_uploads import finished


@pytest.mark.parametrize("format_name", ["pubtator", "bioc_xml", "bioc_json", "bigbio_json"])
def test_an_export_arrives_whole(own: OwnService, format_name: str) -> None:
    """Smaller than any buffer, and to its last byte."""
    client = own.client
    dataset = finished(client, client.post("/v1/datasets", files=[("file", ("x.txt", ONE))]))
    answer = client.get(f"/v1/datasets/{dataset['id']}/export", params={"format": format_name})
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content) > 100
    again = finished(client, client.post("/v1/datasets", files=[("file", ("x", answer.content))]))
    assert again["version"] == dataset["version"]


def test_a_training_file_arrives_whole(own: OwnService) -> None:
    """As many bytes as its row says."""
    client = own.client
    dataset = finished(client, client.post("/v1/datasets", files=[("file", ("x.txt", ONE))]))
    created = client.post("/v1/training-files", json={"dataset_id": dataset["id"]})
    training_file = finished(client, created)
    answer = client.get(f"/v1/training-files/{training_file['id']}/content")
    assert len(answer.content) == training_file["bytes"]
