"""Finding, reading, changing, downloading and deleting models by page."""

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from tests.generator.tiny_models import model_bytes
from tests.songs import make_ready_dataset
from tests.training.finished_runs import make_baseline_row, make_finished_run, make_model
from training.models import Checkpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(ready_dataset):
    return make_model(make_finished_run(ready_dataset), name="Night train")


@pytest.fixture
def their_model(other_user):
    return make_model(make_finished_run(make_ready_dataset(other_user)), name="Not yours")


def address(model, name: str) -> str:
    return reverse(f"training:model-{name}", args=[model.pk])


def names_on(answer) -> list[str]:
    return [model.name for model in answer.context["page"].object_list]


def test_the_list_shows_own_and_shared_models(signed_in, model, their_model):
    assert names_on(signed_in.get(reverse("training:model-list"))) == ["Night train"]
    Checkpoint.objects.filter(pk=their_model.pk).update(visibility="shared")
    assert set(names_on(signed_in.get(reverse("training:model-list")))) == {"Night train", "Not yours"}


def test_the_best_model_comes_first_and_one_without_a_score_last(signed_in, ready_dataset):
    scores = {"middle": {"nats_per_character": 1.5}, "unknown": {}, "infinite": {"nats_per_character": None}}
    for name, metrics in (scores | {"best": {"nats_per_character": 1.2}}).items():
        found = make_model(make_finished_run(ready_dataset), name=name)
        Checkpoint.objects.filter(pk=found.pk).update(metrics=metrics)
    newest = ["best", "infinite", "unknown", "middle"]
    assert names_on(signed_in.get(reverse("training:model-list"))) == ["best", "middle", "infinite", "unknown"]
    assert names_on(signed_in.get(reverse("training:model-list"), {"order": "newest"})) == newest


def test_models_whose_runs_one_may_see_are_compared(signed_in, model, their_model, ready_dataset):
    Checkpoint.objects.filter(pk=their_model.pk).update(visibility="shared")  # its run is still private
    assert 'name="run"' not in signed_in.get(reverse("training:model-list")).content.decode()
    other = make_model(make_finished_run(ready_dataset), name="Day train")
    page = signed_in.get(reverse("training:model-list")).content.decode()
    ticks = [f'name="run" value="{one.run_id}"' in page for one in (model, other, their_model)]
    assert ticks == [True, True, False]


def test_a_model_stands_beside_what_counting_words_comes_to(signed_in, model, other_user, client):
    metrics = {"nats_per_character": 1.8, "test_nats_per_character": 1.91}
    Checkpoint.objects.filter(pk=model.pk).update(metrics=metrics)
    page = signed_in.get(address(model, "detail")).content.decode()
    assert "Kneser-Ney" not in page
    assert "1.91" in page
    make_baseline_row(model.run, test_nats_per_character=1.6)
    page = signed_in.get(address(model, "detail")).content.decode()
    assert "Counting words does better." in page
    assert "Kneser-Ney of order 5 on the same songs: 1.50 nats per character; this model is 20 % worse." in page
    assert "Last test: 1.60 counted, 1.91 learnt." in page
    client.force_login(other_user)
    assert client.get(address(model, "detail")).status_code == 404


def test_a_model_whose_run_is_gone_has_no_baseline(signed_in, model):
    make_baseline_row(model.run)
    Checkpoint.objects.filter(pk=model.pk).update(run=None)
    assert "Kneser-Ney" not in signed_in.get(address(model, "detail")).content.decode()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"q": "night"}, 1),
        ({"q": "small SONGS"}, 1),
        ({"q": "nobody"}, 0),
        ({"architecture": "rnn"}, 0),
        ({"architecture": "mingru"}, 0),
    ],
)
def test_the_list_is_narrowed_by_what_is_asked(signed_in, model, asked, expected):
    assert len(names_on(signed_in.get(reverse("training:model-list"), asked))) == expected


def test_the_list_takes_as_many_queries_for_many_models_as_for_one(
    signed_in, ready_dataset, django_assert_max_num_queries
):
    for _ in range(10):
        make_model(make_finished_run(ready_dataset))
    with django_assert_max_num_queries(6):
        signed_in.get(reverse("training:model-list"))


def test_the_certificate_says_what_the_model_is(signed_in, model):
    page = signed_in.get(address(model, "detail")).content.decode()
    assert model.sha256 in page
    assert model.code_version in page
    assert "Small songs, version 1" in page
    assert "1.38" in page
    assert f"?model={model.pk}" in page


def test_a_pin_on_the_page_keeps_the_model_from_being_deleted(signed_in, model):
    page = signed_in.post(address(model, "pin"), {"pinned": "true"}, follow=True).content.decode()
    assert Checkpoint.objects.get().is_pinned
    assert "Take the pin out" in page
    assert f'action="{address(model, "delete")}"' not in page
    signed_in.post(address(model, "delete"))
    assert Checkpoint.objects.filter(pk=model.pk, state="ready").exists()
    page = signed_in.post(address(model, "pin"), {"pinned": "false"}, follow=True).content.decode()
    assert not Checkpoint.objects.get().is_pinned
    assert f'action="{address(model, "delete")}"' in page


def test_the_file_is_downloaded_as_it_lies(signed_in, model):
    answer = signed_in.get(address(model, "download"))
    with default_storage.open(model.model_file) as file:
        assert b"".join(answer.streaming_content) == file.read()
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="Night_train.safetensors"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox"
    assert int(answer["Content-Length"]) == model.size_bytes


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Lied für Übermut", "filename*=utf-8''Lied_f%C3%BCr_%C3%9Cbermut.safetensors"),
        ('"; filename=evil.exe', "evil.exe.safetensors"),
        ("../../etc/passwd", "etc-passwd.safetensors"),
        ("!!!", ".safetensors"),
    ],
)
def test_any_name_makes_a_harmless_file_name(signed_in, model, name, expected):
    Checkpoint.objects.filter(pk=model.pk).update(name=name)
    header = signed_in.get(address(model, "download"))["Content-Disposition"]
    assert expected in header
    assert header.startswith("attachment; filename")
    assert "/" not in header
    assert header.count('"') in (0, 2)


def test_a_damaged_file_is_not_handed_out(signed_in, model):
    default_storage.delete(model.model_file)
    answer = signed_in.get(address(model, "download"), follow=True)
    assert "damaged" in answer.content.decode()
    assert names_on(answer) == []


def test_a_model_is_renamed_and_shared(signed_in, model):
    assert signed_in.post(address(model, "edit"), {"name": "Morning", "visibility": "shared"}).url == address(
        model, "detail"
    )
    model.refresh_from_db()
    assert (model.name, model.visibility) == ("Morning", "shared")


def test_a_model_needs_a_name(signed_in, model):
    answer = signed_in.post(address(model, "edit"), {"name": " ", "visibility": "private"})
    assert answer.status_code == 400
    assert "required" in answer.content.decode()
    assert "Night train" in answer.content.decode()  # the page goes on naming what is stored


def test_a_model_is_deleted_with_its_file(signed_in, model):
    signed_in.post(address(model, "delete"))
    assert not Checkpoint.objects.exists()
    assert not default_storage.exists(model.model_file)


def test_another_persons_model_is_nowhere(signed_in, their_model):
    for name in ("detail", "download"):
        assert signed_in.get(address(their_model, name)).status_code == 404
    for name in ("edit", "delete"):
        assert signed_in.post(address(their_model, name), {"name": "Mine"}).status_code == 404


def test_a_shared_model_can_be_read_and_never_changed(signed_in, their_model):
    Checkpoint.objects.filter(pk=their_model.pk).update(visibility="shared")
    page = signed_in.get(address(their_model, "detail")).content.decode()
    assert "Delete this model" not in page
    assert signed_in.get(address(their_model, "download")).status_code == 200
    for name in ("edit", "delete"):
        assert signed_in.post(address(their_model, name), {"name": "Mine"}).status_code == 404
    assert Checkpoint.objects.get().name == "Not yours"


def test_a_model_file_is_brought_and_waits_for_a_worker(signed_in, user):
    file = SimpleUploadedFile("sea.safetensors", model_bytes())
    answer = signed_in.post(reverse("training:model-import"), {"file": file}, follow=True)
    page = answer.content.decode()
    assert "Being made ready to write" in page
    assert "Write with it" not in page
    call_command("build_serving_model", Checkpoint.objects.get(owner=user).pk)
    assert "Write with it" in signed_in.get(answer.wsgi_request.path).content.decode()


def test_what_is_no_model_file_is_said_above_the_list(signed_in):
    file = SimpleUploadedFile("sea.safetensors", b"PK archive")
    answer = signed_in.post(reverse("training:model-import"), {"file": file})
    assert answer.status_code == 400
    assert "pickle" in answer.content.decode()
    assert signed_in.post(reverse("training:model-import")).status_code == 400


def test_a_model_is_brought_by_command(user, tmp_path, capsys):
    (tmp_path / "sea.safetensors").write_bytes(model_bytes())
    call_command("import_model", str(tmp_path / "sea.safetensors"), "--owner", user.username)
    assert Checkpoint.objects.get(owner=user).pk in capsys.readouterr().out
    with pytest.raises(CommandError, match="can't be read"):
        call_command("import_model", str(tmp_path / "nothing"), "--owner", user.username)
