"""What a process of its own costs a job."""

from app.platform.processes import in_process

MODULES = "sorted(__import__('sys').modules)"


async def test_a_process_does_not_load_what_only_the_service_needs() -> None:
    """It would take longer to load the job engine and the web framework than to read most files."""
    modules: list[str] = await in_process(eval, MODULES)
    assert "app.platform.parents" in modules
    assert not {"dbos", "sqlalchemy", "fastapi"} & {*modules}
