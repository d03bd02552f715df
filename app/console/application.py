"""The console as a part of the application: its pages and their assets."""

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from app.console import (
    batches,
    corrections,
    datasets,
    evaluation_details,
    evaluations,
    fine_tunes,
    fine_tunes_form,
    home,
    keys,
    login,
    models,
    notifications,
    playground,
    training_files,
    vocabularies,
)
from app.console.brake import Brake
from app.console.pages import ASSETS

# In the order of the pipeline.
_ROUTERS = [
    home.router,
    login.router,
    keys.router,
    datasets.router,
    training_files.router,
    fine_tunes_form.router,
    fine_tunes.router,
    models.router,
    playground.router,
    corrections.router,
    evaluations.router,
    evaluation_details.router,
    batches.router,
    vocabularies.router,
    notifications.router,
]


def install(app: FastAPI) -> None:
    """Serve the pages at `/`; none of them is in the OpenAPI file."""
    app.state.login_brake = Brake()
    app.mount("/assets", StaticFiles(directory=ASSETS), name="assets")
    for router in _ROUTERS:
        app.include_router(router, include_in_schema=False)
