"""What the home page shows one person: where they stand, and their next step."""

from dataclasses import dataclass

from django.urls import reverse

from generator.models import Lyric
from training.models import Checkpoint, Dataset, TrainingRun


@dataclass(frozen=True)
class Step:
    name: str
    text: str
    done: bool
    current: bool = False


@dataclass(frozen=True)
class NextStep:
    title: str
    text: str
    label: str
    url: str


def counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def overview(user) -> dict:
    """Return the template context of the home page of ``user``."""
    datasets = Dataset.objects.visible_to(user).ready()
    runs = TrainingRun.objects.owned_by(user).select_related("dataset")
    models = Checkpoint.objects.visible_to(user).published()
    lyrics = Lyric.objects.owned_by(user).kept()
    next_step = _next_step(datasets, runs, models, lyrics)
    return {
        "next_step": next_step,
        "steps": _steps(datasets, runs, models, lyrics),
        "runs": runs[:4],
        "lyrics": lyrics[:2],
    }


def _steps(datasets, runs, models, lyrics) -> list[Step]:
    own_runs, finished = runs.count(), runs.filter(state=TrainingRun.State.SUCCEEDED).count()
    cells = runs.filter(state=TrainingRun.State.SUCCEEDED).values("architecture").distinct().count()
    facts = [
        ("Songs", counted(datasets.count(), "dataset ready", "datasets ready"), datasets.exists()),
        ("Train", f"{counted(own_runs, 'run', 'runs')}, {finished} finished", finished > 0 or models.exists()),
        ("Compare", "Two cells or more side by side" if cells < 2 else f"{cells} kinds of cell trained", cells >= 2),
        ("Write", counted(lyrics.count(), "lyric kept", "lyrics kept"), lyrics.exists()),
    ]
    current = next((index for index, (_, _, done) in enumerate(facts) if not done), None)
    return [Step(name, text, done, index == current) for index, (name, text, done) in enumerate(facts)]


def _next_step(datasets, runs, models, lyrics) -> NextStep:
    running = runs.filter(state=TrainingRun.State.RUNNING).first()
    model = models.first()
    dataset = datasets.order_by("visibility", "-created_at").first()  # "private" sorts before "shared": own songs first
    if running and not lyrics.exists():
        return NextStep(
            f"{running.name} is learning now.",
            f"It reads {running.dataset.name}. Watch it find words, then lines, then choruses.",
            "Watch it learn",
            running.get_absolute_url(),
        )
    if model:
        return NextStep(
            f"{model.name} is ready. Give it a first line.",
            "Pick how daring it may be, and see the lyric appear word by word.",
            "Write with it",
            f"{reverse('generator:compose')}?model={model.pk}",
        )
    if dataset:
        return NextStep(
            f"{dataset.name} is ready. Train a network on it.",
            "Two minutes are enough for a first one: choose a cell and press start.",
            "Train on these songs",
            reverse("training:run-create", args=[dataset.pk]),
        )
    return NextStep(
        "Bring songs.",
        "A CSV, a text file or a folder of texts will do; you see what was understood before anything is stored.",
        "Add a dataset",
        reverse("training:dataset-create"),
    )
