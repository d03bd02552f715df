"""Model cards: everything the rooms know of a model, in one place."""

from collections import Counter
from collections.abc import Sequence

from app.backends.registry import Backends
from app.datasets.service import Datasets
from app.evaluations.card_limits import limits
from app.evaluations.card_schemas import (
    CardAncestor,
    CardData,
    CardFigure,
    CardModel,
    CardRecipe,
    CardScores,
    CardSplit,
    CardVocabulary,
    ModelCard,
)
from app.evaluations.measures import HEADLINE
from app.evaluations.schemas import Evaluation, Status
from app.evaluations.service import Evaluations
from app.fine_tunes.service import FineTunes
from app.models.service import Models
from app.platform.work import Work
from app.training_files.service import TrainingFiles
from app.vocabularies.service import Vocabularies

MOST_EVALUATIONS = 20
_PAGE = 1000


class ModelCards:
    """Cards within one unit of work for reading."""

    def __init__(self, work: Work, backends: Backends) -> None:
        self._work = work
        self._backends = backends
        self._datasets = Datasets(work)

    async def get(self, name: str) -> ModelCard:
        """The card of a model, by id or alias. Raises ApiError `model_not_found`."""
        model = await Models(self._work, self._backends).get(name)
        lineage = [
            CardAncestor(kind="model", id=model.id, sha256=None, created_at=model.created_at)
        ]
        data: CardData | None = None
        recipe: CardRecipe | None = None
        vocabularies: list[CardVocabulary] = []
        if model.fine_tune_id is not None:
            data, recipe, vocabularies = await self._training(model.fine_tune_id, lineage)
        found = await self._evaluations(model.id)
        scores = [await self._scores(each, model.id) for each in found]
        card = ModelCard(
            model=CardModel(
                id=model.id,
                name=model.name,
                kind=model.kind,
                backend=model.backend,
                base_model=model.base_model,
                tasks=model.tasks,
                description=model.description,
                created_at=model.created_at,
                retired_on=model.retired_on,
            ),
            data=data,
            recipe=recipe,
            vocabularies=vocabularies,
            scores=scores,
            protocols={name: text for each in found for name, text in each.protocols.items()},
            limits=[],
            lineage=lineage,
        )
        card.limits = limits(card)
        return card

    async def _training(
        self, fine_tune_id: str, lineage: list[CardAncestor]
    ) -> tuple[CardData, CardRecipe, list[CardVocabulary]]:
        """What it was trained on and how; adds where it comes from to the lineage."""
        fine_tunes = FineTunes(self._work, self._backends)
        fine_tune = await fine_tunes.get(fine_tune_id)
        file = await TrainingFiles(self._work).get(fine_tune.training_file_id)
        dataset = await self._datasets.get(file.dataset_id)
        seconds = None
        if fine_tune.started_at is not None and fine_tune.finished_at is not None:
            seconds = (fine_tune.finished_at - fine_tune.started_at).total_seconds()
        splits = [
            CardSplit.model_validate(split, from_attributes=True)
            for split in dataset.splits
            if split.name in file.splits
        ]
        data = CardData(
            dataset_id=dataset.id,
            name=dataset.name,
            version=dataset.version,
            splits=splits,
            documents=sum(split.documents for split in splits),
            mentions=dict(sum((Counter(split.mentions) for split in splits), Counter[str]())),
            relations=sum(split.relations for split in splits),
            licence=None,
        )
        recipe = CardRecipe(
            backend=fine_tune.backend,
            base_model=fine_tune.base_model,
            hyperparameters=fine_tune.hyperparameters,
            template=file.template,
            template_hash=file.template_hash,
            text=file.text,
            tasks=file.tasks,
            seconds=seconds,
            figures=await self._figures(fine_tunes, fine_tune_id),
        )
        lineage += [
            CardAncestor(
                kind="fine-tune", id=fine_tune.id, sha256=None, created_at=fine_tune.created_at
            ),
            CardAncestor(
                kind="training file", id=file.id, sha256=file.sha256, created_at=file.created_at
            ),
            CardAncestor(
                kind="dataset",
                id=dataset.id,
                sha256=dataset.version,
                created_at=dataset.created_at,
            ),
        ]
        return data, recipe, await self._vocabularies(fine_tune.vocabularies)

    async def _figures(self, fine_tunes: FineTunes, fine_tune_id: str) -> list[CardFigure]:
        last: dict[tuple[str, str], float] = {}
        cursor: str | None = None
        while True:
            page = await fine_tunes.metrics(fine_tune_id, cursor, _PAGE)
            last.update({(each.stage, each.name): each.value for each in page.items})
            cursor = page.next_cursor
            if cursor is None:
                break
        return [
            CardFigure(stage=stage, name=name, value=value) for (stage, name), value in last.items()
        ]

    async def _vocabularies(self, ids: Sequence[str]) -> list[CardVocabulary]:
        found = [await Vocabularies(self._work).get(each) for each in ids]
        return [
            CardVocabulary(
                id=each.id,
                name=each.name,
                sha256=each.sha256,
                concepts=each.statistics and each.statistics.concepts,
                names=each.statistics and each.statistics.names,
            )
            for each in found
        ]

    async def _evaluations(self, model_id: str) -> list[Evaluation]:
        """Those that have succeeded, newest first."""
        found: list[Evaluation] = []
        cursor: str | None = None
        while len(found) < MOST_EVALUATIONS:
            page = await Evaluations(self._work).page(
                None, model_id, "created_at", cursor, MOST_EVALUATIONS
            )
            found += [each for each in page.items if each.status is Status.SUCCEEDED]
            cursor = page.next_cursor
            if cursor is None:
                break
        return found[:MOST_EVALUATIONS]

    async def _scores(self, evaluation: Evaluation, model_id: str) -> CardScores:
        """This model's part of an evaluation of several."""
        dataset = await self._datasets.get(evaluation.dataset_id)
        result = next(each for each in evaluation.results if each.model == model_id)
        return CardScores(
            evaluation_id=evaluation.id,
            name=evaluation.name,
            dataset_id=dataset.id,
            dataset=dataset.name,
            dataset_version=dataset.version,
            splits=evaluation.splits,
            documents=evaluation.documents,
            finished_at=evaluation.finished_at,
            options=evaluation.options,
            f1=result.f1,
            headline={task: HEADLINE[task].value for task in result.scores},
            scores=result.scores,
            errors=result.errors,
            latency=result.latency,
            ungrounded=result.ungrounded,
            overlap=result.overlap,
            comparisons=[
                each for each in evaluation.comparisons if model_id in (each.model, each.baseline)
            ],
            warnings=[each for each in evaluation.warnings if each.model in (None, model_id)],
        )
