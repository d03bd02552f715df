"""The `/v1` router: each room is mounted once."""

from fastapi import APIRouter

from app.datasets.endpoints import router as datasets
from app.evaluations.card_endpoints import router as model_cards
from app.evaluations.endpoints import router as evaluations
from app.extractions.endpoints import router as extractions
from app.fine_tunes.endpoints import router as fine_tunes
from app.models.endpoints import router as models
from app.training_files.endpoints import router as training_files
from app.vocabularies.endpoints import router as vocabularies

router = APIRouter(prefix="/v1")
# Routes are tried in order: the one that is called most comes first.
for room in (
    extractions,
    datasets,
    training_files,
    fine_tunes,
    models,
    evaluations,
    vocabularies,
    model_cards,
):
    router.include_router(room)
