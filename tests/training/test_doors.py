"""Whatever is asked of the pages and the API of runs and models, the answer is never a 500."""

import itertools

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.songs import make_ready_dataset
from tests.training.finished_runs import make_finished_run, make_model, make_running_run
from tests.training.runs import make_run
from training.models import Checkpoint, TrainingRun

pytestmark = pytest.mark.django_db
JUNK = ["", "0", "-1", "9" * 30, "9" * 5000, "²", "NaN", "a\0b", "%", "'; --", "\u202e", "../..", "[]", "x" * 5000]
PAGES = ["/runs/", "/models/"]
LISTS = ["/api/v1/runs/", "/api/v1/models/"]
PAGE_PARAMETERS = ["page", "q", "state", "architecture", "dataset", "order"]
LIST_PARAMETERS = [
    *("page", "page_size", "ordering", "search", "state", "architecture", "dataset", "run", "tokenizer", "visibility"),
    *("format", "cursor", "from"),
]
HOSTILE = "</script><script>alert('x')</script><!-- & \""


@pytest.fixture
def run(ready_dataset):
    return make_finished_run(ready_dataset)


@pytest.mark.parametrize(("address", "name"), list(itertools.product(PAGES, PAGE_PARAMETERS)))
def test_a_list_page_is_shown_whatever_its_address_says(signed_in, run, address, name):
    make_model(run)
    assert {signed_in.get(address, {name: junk}).status_code for junk in JUNK} == {200}


@pytest.mark.parametrize(("address", "name"), list(itertools.product(LISTS, LIST_PARAMETERS)))
def test_a_list_of_the_api_takes_or_refuses_any_parameter(api, run, address, name):
    make_model(run)
    answers = [api.get(address, {name: junk}) for junk in JUNK]
    assert {answer.status_code for answer in answers} <= {200, 400, 404}
    assert all(answer["Content-Type"] == "application/json" for answer in answers)


@pytest.mark.parametrize("junk", [*JUNK[1:], "%00", "nobody"])
def test_a_page_of_what_does_not_exist_is_not_found(signed_in, db, junk):
    """An id may hold what no database column does."""
    for name in (
        "run-detail",
        "run-live",
        "run-events",
        "run-metrics-csv",
        "run-create",
        "dataset-compare",
        "race-create",
        "race-detail",
    ):
        assert signed_in.get(_address(name, junk)).status_code == 404
    for name in ("model-detail", "model-download"):
        assert signed_in.get(_address(name, junk)).status_code == 404
    for name in ("run-cancel", "run-again", "model-edit", "model-delete"):
        assert signed_in.post(_address(name, junk)).status_code == 404


def _address(name: str, junk: str) -> str:
    return reverse(f"training:{name}", args=["JUNK"]).replace("JUNK", junk.replace("%", "%25").replace("\0", "%00"))


@pytest.mark.parametrize("junk", JUNK)
def test_a_page_is_shown_whatever_it_is_asked_beside(signed_in, run, junk):
    compare = reverse("training:dataset-compare", args=[run.dataset_id])
    assert signed_in.get(compare, {"with": junk}, follow=True).status_code == 200
    for name in ("run", "by", "loss", "dataset"):
        assert signed_in.get("/runs/compare/", {"run": run.pk} | {name: junk}).status_code == 200
    assert signed_in.get("/races/", {"page": junk}).status_code == 200
    for name in ("like", "from"):
        assert signed_in.get(reverse("training:run-create", args=[run.dataset_id]), {name: junk}).status_code == 200


@pytest.mark.parametrize("address", LISTS)
def test_a_page_of_a_list_has_at_most_a_hundred_rows(api, ready_dataset, address):
    for number in range(101):
        run = make_run(ready_dataset)
        if "models" in address:
            _model_row(run, number)
    answer = api.get(address, {"page_size": 100_000}).json()
    assert answer["count"] == 101
    assert len(answer["results"]) == 100
    assert answer["next"]


def _model_row(run: TrainingRun, number: int) -> None:
    Checkpoint.objects.create(
        owner=run.owner, run=run, dataset=run.dataset, name="A model", folder=f"models/{number}", sha256="0" * 64,
        size_bytes=1, architecture="lstm", tokenizer="char", parameters=1, vocabulary_size=1,
        published_at=timezone.now(),
    )  # fmt: skip


@pytest.mark.parametrize(
    "written", [b"", b"[]", b"null", b'"x"', b"{", b'{"dataset":' * 20_000, b'{"dataset": "\xff"}', b"1" * 5000]
)
def test_a_body_that_is_no_object_is_refused(api, run, written):
    model = make_model(run)
    asked = [
        api.post("/api/v1/runs/", written, content_type="application/json"),
        api.patch(f"/api/v1/models/{model.pk}/", written, content_type="application/json"),
    ]
    assert asked[0].status_code == 400
    assert asked[1].status_code in (200, 400)


def test_hostile_words_are_text_in_pages_and_in_the_data_of_scripts(signed_in, user):
    dataset = make_ready_dataset(user, name=HOSTILE)
    runs = [make_finished_run(dataset, name=HOSTILE + str(number)) for number in range(2)]
    live, _ = make_running_run(dataset, name=HOSTILE)
    for run in (*runs, live):
        run.samples.update(text=HOSTILE, prompt=HOSTILE)
        run.events.update(message=HOSTILE, actor=HOSTILE)
    TrainingRun.objects.update(error=HOSTILE, phase=HOSTILE, facts={"device_reason": HOSTILE})
    model = make_model(runs[0], name=HOSTILE)
    addresses = [
        runs[0].get_absolute_url(), live.get_absolute_url(), reverse("training:run-live", args=[live.pk]),
        f"/runs/compare/?run={runs[0].pk}&run={runs[1].pk}", model.get_absolute_url(), "/runs/", "/models/",
        reverse("training:run-create", args=[dataset.pk]),
    ]  # fmt: skip
    for address in addresses:
        page = signed_in.get(address).content.decode()
        assert "alert(" in page
        assert "<script>alert" not in page
        assert "<!-- &" not in page
