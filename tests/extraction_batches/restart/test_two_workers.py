"""One batch and two workers: both take part, and one that is killed leaves nothing undone."""

import json
import os
import signal
from pathlib import Path

import psycopg

from app.own_service import own_service
from app.platform.job_store import migrate_jobs
from tests.backends.openai.server import Fault, Port, completion
from tests.databases import environment
from tests.e2e.test_story import finished, wait_for
from tests.extraction_batches.restart.test_restart import SHARD, TEXTS, results, send, until
from tests.postgres import Postgres
from tests.worker import worker


def test_two_workers_share_a_batch_and_one_is_killed(
    tmp_path: Path, port: Port, postgres: Postgres, migrated: str
) -> None:
    """Shards go to both; those of the killed one to the other; the results are as from one."""
    with postgres.database(migrated) as url:
        migrate_jobs(url)
        settings = {
            "MEDTUNE_OPENAI_BASE_URL": port.url,
            "MEDTUNE_SHARD_DOCUMENTS": str(SHARD),
            "MEDTUNE_HEARTBEAT_SECONDS": "0.3",
            "MEDTUNE_WORKER_LOST_SECONDS": "2",
            **environment(url),
        }
        said = json.dumps(completion("- haloperidol\n- clozapine\n"))
        port.server.fault = Fault(200, said, delay=0.4)
        with (
            own_service(tmp_path, settings, arguments=["--no-worker"]) as service,
            worker(tmp_path, settings | {"MEDTUNE_WORKER_NAME": "first"}) as first,
            worker(tmp_path, settings | {"MEDTUNE_WORKER_NAME": "second"}),
        ):
            wait_for(lambda: workers(url) == {"first", "second"}, "they are not there")
            location = send(service.client)
            until(service.client, location, 0.3)
            wait_for(lambda: executors(url) == {"first", "second"}, "one does all")
            os.kill(first.pid, signal.SIGKILL)
            port.server.fault = None
            batch = finished(service.client, location)
            assert batch["status"] == "succeeded", batch
            assert (batch["succeeded"], batch["failed"]) == (TEXTS - 9, 9)
            undisturbed = send(service.client)
            assert finished(service.client, undisturbed)["status"] == "succeeded"
            lines = results(service.client, location)
            assert lines == results(service.client, undisturbed)
            assert [json.loads(line)["index"] for line in lines.splitlines()] == [*range(TEXTS)]


def workers(url: str) -> set[str]:
    """Names of the processes that say that they live."""
    return names(url, "SELECT id FROM workers")


def executors(url: str) -> set[str]:
    """Names of the processes that have taken shards."""
    return names(
        url,
        "SELECT DISTINCT executor_id FROM dbos.workflow_status "
        "WHERE workflow_uuid LIKE 'shd%' AND status IN ('PENDING', 'SUCCESS')",
    )


def names(url: str, query: str) -> set[str]:
    """Names of processes without what makes each unlike all others."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return {str(name).rpartition("-")[0] for (name,) in connection.execute(query)}
