"""Models by API: read, change, delete, download."""

from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from tests.generator.tiny_models import model_bytes, publish
from tests.training.finished_runs import make_finished_run, make_model
from training.code_version import code_version
from training.errors import Conflict
from training.models import Checkpoint
from training.services.checkpoints import set_pin

pytestmark = pytest.mark.django_db
MODELS = "/api/v1/models/"


@pytest.fixture
def model(ready_dataset):
    return make_model(make_finished_run(ready_dataset), name="Night train")


def test_a_model_says_what_it_is(api, model):
    found = api.get(f"{MODELS}{model.pk}/").json()
    assert (found["run"], found["dataset"], found["architecture"]) == (model.run_id, model.dataset_id, "lstm")
    assert (found["sha256"], found["bytes"]) == (model.sha256, model.size_bytes)
    assert found["code_version"] == model.code_version == code_version()
    assert found["metrics"]["nats_per_character"] == 1.384
    assert found["metrics"]["best_step"] == 12


def test_models_of_others_are_not_found_until_they_are_shared(api, other_api, model):
    assert other_api.get(MODELS).json()["results"] == []
    assert other_api.get(f"{MODELS}{model.pk}/").status_code == 404
    assert other_api.get(f"{MODELS}{model.pk}/download/").status_code == 404
    api.patch(f"{MODELS}{model.pk}/", {"visibility": "shared"})
    assert other_api.get(f"{MODELS}{model.pk}/").status_code == 200
    assert other_api.get(f"{MODELS}{model.pk}/download/").status_code == 200
    assert other_api.patch(f"{MODELS}{model.pk}/", {"name": "Mine"}).status_code == 404
    assert other_api.delete(f"{MODELS}{model.pk}/").status_code == 404


def test_name_and_visibility_may_be_changed_and_nothing_else(api, model):
    changes = {"name": "Morning", "visibility": "shared", "sha256": "0" * 64, "owner": "tom"}
    found = api.patch(f"{MODELS}{model.pk}/", changes).json()
    assert (found["name"], found["visibility"]) == ("Morning", "shared")
    assert (found["sha256"], found["owner"]) == (model.sha256, "mara")


@pytest.mark.parametrize("change", [{"name": ""}, {"name": "x" * 121}, {"name": "a\nb"}, {"visibility": "world"}])
def test_a_change_that_breaks_a_rule_is_named(api, model, change):
    answer = api.patch(f"{MODELS}{model.pk}/", change)
    assert answer.status_code == 400
    assert set(answer.json()) == set(change)


def test_a_pinned_model_is_not_deleted_until_the_pin_is_out(api, other_api, model):
    pin = f"{MODELS}{model.pk}/pin/"
    Checkpoint.objects.update(visibility="shared")
    assert other_api.put(pin).status_code == 404
    assert api.put(pin).json()["pinned"] is True
    refused = api.delete(f"{MODELS}{model.pk}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "pinned")
    assert default_storage.exists(model.model_file)
    assert other_api.delete(pin).status_code == 404
    assert [api.delete(pin).status_code for _ in range(2)] == [204, 204]
    assert api.delete(f"{MODELS}{model.pk}/").status_code == 204


def test_what_is_being_deleted_can_no_longer_be_pinned(api, model):
    model.state = Checkpoint.State.DELETING
    stale = Checkpoint.objects.get(pk=model.pk)
    model.save(update_fields=["state"])
    with pytest.raises(Conflict, match="being deleted"):
        set_pin(checkpoint=stale, is_pinned=True)
    assert api.put(f"{MODELS}{model.pk}/pin/").status_code == 404


def test_the_file_is_downloaded_as_it_lies(api, model):
    answer = api.get(f"{MODELS}{model.pk}/download/", headers={"Accept": "application/octet-stream"})
    with default_storage.open(model.model_file) as file:
        assert b"".join(answer.streaming_content) == file.read()
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")


def test_a_damaged_file_is_gone(api, model):
    default_storage.delete(model.model_file)
    assert api.get(f"{MODELS}{model.pk}/download/").status_code == 410
    assert api.get(f"{MODELS}{model.pk}/").status_code == 404  # it left the list


def test_a_changed_file_is_refused_in_json_whatever_was_accepted(api, model):
    path = Path(default_storage.path(model.model_file))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    answer = api.get(f"{MODELS}{model.pk}/download/")
    assert answer.status_code == 410
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["code"] == "damaged"
    for accepted in ("application/octet-stream", "*/*", "application/json"):
        gone = api.get(f"{MODELS}{model.pk}/download/", headers={"Accept": accepted})
        assert (gone.status_code, gone["Content-Type"]) == (404, "application/json")


def test_a_model_is_deleted_with_its_file_and_its_run_stays(api, model):
    assert api.delete(f"{MODELS}{model.pk}/").status_code == 204
    assert not default_storage.exists(model.model_file)
    assert not Checkpoint.objects.exists()
    assert api.get(f"/api/v1/runs/{model.run_id}/").json()["model"] is None


@pytest.mark.parametrize(
    ("asked", "expected"), [({"architecture": "lstm"}, 1), ({"architecture": "gru"}, 0), ({"search": "night"}, 1)]
)
def test_the_list_is_filtered_and_searched(api, model, asked, expected):
    assert len(api.get(MODELS, asked).json()["results"]) == expected


def test_the_list_takes_as_many_queries_for_many_models_as_for_one(api, ready_dataset, django_assert_max_num_queries):
    for _ in range(6):
        make_model(make_finished_run(ready_dataset))
    with django_assert_max_num_queries(5):
        api.get(MODELS)


# ── Bringing a model ─────────────────────────────────────────────────────────────────────────────────────────────


def upload(content: bytes, name="sea.safetensors") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_a_model_that_was_downloaded_elsewhere_comes_back_and_writes_the_same(api, user):
    here = publish(user)
    content = default_storage.open(here.model_file).read()
    answer = api.post(MODELS, {"file": upload(content)}, format="multipart")
    assert answer.status_code == 201
    brought = Checkpoint.objects.get(pk=answer.json()["id"])
    assert answer["Location"] == f"{MODELS}{brought.pk}/"
    assert (brought.name, brought.architecture, brought.sha256) == ("sea", "lstm", here.sha256)
    assert answer.json()["can_write"] is False
    call_command("build_serving_model", brought.pk)
    values = {"prompt": "Oh my", "seed": 7, "max_tokens": 30}
    texts = [api.post("/api/v1/lyrics/generate/", {"model": one.pk} | values).json() for one in (here, brought)]
    assert texts[0]["choices"] == texts[1]["choices"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"short", "cut off"),
        (b"PK\x03\x04 an archive", "pickle"),
        (b"\x80\x02}q\x00. a pickle", "pickle"),
        (b"\xff" * 100, "cut off"),
        (model_bytes()[:-4], "cut off"),
        (model_bytes(version="9"), "version 9"),
        (model_bytes(format="other"), "lyrics model"),
        (model_bytes(network="{}"), "network"),
        (model_bytes(tokenizer="{}"), "vocabulary"),
    ],
)
def test_what_is_no_model_file_is_said_at_its_field_and_leaves_nothing(api, content, said):
    answer = api.post(MODELS, {"file": upload(content)}, format="multipart")
    assert answer.status_code == 400
    assert said in answer.json()["file"][0]
    assert not Checkpoint.objects.exists()


def test_a_brought_model_is_its_owners_alone(api, other_api):
    made = api.post(MODELS, {"file": upload(model_bytes()), "name": "Mine"}, format="multipart").json()
    assert made["name"] == "Mine"
    assert other_api.get(f"{MODELS}{made['id']}/").status_code == 404


@pytest.mark.parametrize(
    "metadata",
    [
        {"metrics": '{"step": NaN, "valid_loss": 1e999, "a b": 1, "perplexity": "high", "epoch": true}'},
        {"metrics": '{"step": -1, "nats_per_character": null}'},
        {"config": '{"hidden_size": "\\u0000", "seed": 1e400}'},
        {"config": '{"name": "\\ud800"}'},
    ],
)
def test_what_a_file_claims_and_cannot_be_is_left_out(api, signed_in, metadata):
    made = api.post(MODELS, {"file": upload(model_bytes(**metadata))}, format="multipart")
    assert made.status_code == 201
    assert made.json()["step"] == 0
    assert signed_in.get(f"/models/{made.json()['id']}/").status_code == 200
