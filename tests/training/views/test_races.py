"""Races by page: start one, see how it stands, cancel it, share it, take it away."""

import pytest
from django.urls import reverse

from tests.songs import make_ready_dataset
from tests.training.finished_runs import make_baseline_row, make_model
from tests.training.races import finish_race, make_race
from tests.training.runs import claim
from training import lifecycle
from training.models import Race, TrainingRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]
RACES = reverse("training:race-list")


def create_url(dataset) -> str:
    return reverse("training:race-create", args=[dataset.pk])


def asked(**changes) -> dict:
    return {
        "architectures": ["rnn", "lstm", "gru"],
        "seeds": "2",
        "amount": "50,000",
        "unit": "tokens",
        "tokenizer": "char",
        "preset": "tiny",
    } | changes


def test_the_form_offers_every_cell_and_begins_with_the_three_classics(signed_in, ready_dataset):
    page = signed_in.get(create_url(ready_dataset)).content.decode()
    assert page.count("checked") >= 3
    assert "As heavy as an LSTM of " in page
    assert "these songs can fill no larger network" in page


def test_a_form_starts_a_race_and_leads_to_its_page(signed_in, ready_dataset):
    answer = signed_in.post(create_url(ready_dataset), asked(name="Spring race"))
    race = Race.objects.get()
    assert answer["Location"] == race.get_absolute_url()
    assert (race.name, race.seeds, race.budget, race.config["tokenizer"]) == (
        "Spring race", [1, 2], {"tokens": 50_000}, "char",
    )  # fmt: skip
    page = signed_in.get(race.get_absolute_url()).content.decode()
    assert all(run.name in page for run in race.runs.all())
    assert "At the start" in page
    assert "0 of 6 runs ended" in page


def test_minutes_are_seconds_for_each_run(signed_in, ready_dataset):
    signed_in.post(create_url(ready_dataset), asked(amount="1.5", unit="minutes"))
    race = Race.objects.get()
    assert race.budget == {"seconds": 90}
    assert "as many batches as it can read" in signed_in.get(race.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"architectures": ["lstm"]}, "architectures"),
        ({"architectures": ["lstm", "transformer"]}, "architectures"),
        ({"architectures": []}, "architectures"),
        ({"seeds": "6"}, "seeds"),
        ({"seeds": "x"}, "seeds"),
        ({"amount": "many"}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": "1.5"}, "amount"),
        ({"amount": "nan"}, "amount"),
        ({"amount": "1e999", "unit": "minutes"}, "amount"),
        ({"unit": "hours"}, "unit"),
        ({"preset": "dinner"}, "preset"),
        ({"hidden_size": "1000000"}, "hidden_size"),
        ({"learning_rate": "NaN"}, "learning_rate"),
        ({"name": "x" * 121}, "name"),
    ],
)
def test_what_cannot_race_is_said_at_its_field(signed_in, ready_dataset, changes, field):
    answer = signed_in.post(create_url(ready_dataset), asked(**changes))
    assert answer.status_code == 400
    assert set(answer.context["form"].errors) == {field}
    assert not TrainingRun.objects.exists()


def test_a_refusal_without_a_field_stands_on_top(signed_in, ready_dataset, settings):
    settings.QUEUED_RUNS_PER_USER = 0
    answer = signed_in.post(create_url(ready_dataset), asked())
    assert answer.context["form"].non_field_errors()


def test_a_finished_race_shows_curves_scores_and_who_won(signed_in, ready_dataset):
    race = finish_race(make_race(ready_dataset))
    written_by = make_model(race.runs.first())
    page = signed_in.get(race.get_absolute_url()).content.decode()
    assert "GRU knows these songs best" in page
    assert page.count('<path class="curve curve-seed"') == 4
    assert "within" in page
    assert 'hx-trigger="every 5s"' not in page
    assert f'name="model" value="{written_by.pk}"' in page


def test_a_race_says_whether_all_read_the_same_batches(signed_in, ready_dataset):
    race = finish_race(make_race(ready_dataset))
    assert "known when all have read them" in signed_in.get(race.get_absolute_url()).content.decode()
    race.runs.update(facts={"batch_hash": "a"})
    page = signed_in.get(race.get_absolute_url()).content.decode()
    assert "<dt>Same batches in the same order</dt>\n      <dd>yes</dd>" in page


def test_who_does_not_beat_counting_words_is_called_out(signed_in, ready_dataset):
    race = finish_race(make_race(ready_dataset))
    make_baseline_row(race.runs.first(), nats_per_character=1.2)
    page = signed_in.get(race.get_absolute_url()).content.decode()
    assert "RNN is no better than counting words" in page
    assert "counting words.</b> It needs " in page
    assert "which four needs 1.20." in page
    assert "N-gram baseline" in page


def test_all_who_do_not_beat_counting_words_are_called_out_in_one_sentence(signed_in, ready_dataset):
    race = finish_race(make_race(ready_dataset))
    make_baseline_row(race.runs.first(), nats_per_character=0.2)
    page = signed_in.get(race.get_absolute_url()).content.decode()
    assert "RNN and GRU are no better than counting words.</b> They need " in page


def test_a_run_leads_to_its_race(signed_in, ready_dataset):
    race = make_race(ready_dataset)
    assert race.get_absolute_url() in signed_in.get(race.runs.first().get_absolute_url()).content.decode()


def test_a_failed_run_says_why_on_the_page_of_its_race(signed_in, ready_dataset):
    race = make_race(ready_dataset)
    run = race.runs.first()
    held = claim(run)
    lifecycle.finish(run.pk, held.token, "failed", message="no", error="The loss ran away.", error_code="diverged")
    page = signed_in.get(race.get_absolute_url()).content.decode()
    assert "The loss ran away." in page
    assert "1 of 4 runs ended" in page


def test_the_page_of_a_race_that_has_just_ended_loads_itself_anew(signed_in, ready_dataset):
    race = make_race(ready_dataset)
    news = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "race-now"}
    assert signed_in.get(race.get_absolute_url(), **news).status_code == 200
    finish_race(race)
    answer = signed_in.get(race.get_absolute_url(), **news)
    assert (answer.status_code, answer["HX-Refresh"]) == (286, "true")
    by_time = signed_in.get(race.get_absolute_url(), {"by": "seconds"}, **news | {"HTTP_HX_TARGET": "comparison"})
    assert by_time.status_code == 200


def test_a_race_is_cancelled_by_its_owner_alone(signed_in, ready_dataset, client, other_user):
    race = make_race(ready_dataset)
    cancel = reverse("training:race-cancel", args=[race.pk])
    assert signed_in.get(cancel).status_code == 405
    page = signed_in.post(cancel, follow=True).content.decode()
    assert "Cancel the race" not in page
    assert {run.state for run in race.runs.all()} == {"cancelled"}
    assert "already ended" in signed_in.post(cancel, follow=True).content.decode()
    Race.objects.update(visibility="shared")
    client.force_login(other_user)
    assert client.post(cancel).status_code == 404


def test_races_of_others_are_neither_listed_nor_shown(client, ready_dataset, other_user):
    race = make_race(ready_dataset, name="Of Mara")
    client.force_login(other_user)
    assert "Of Mara" not in client.get(RACES).content.decode()
    assert client.get(race.get_absolute_url()).status_code == 404
    assert client.get(create_url(ready_dataset)).status_code == 404
    Race.objects.update(visibility="shared")
    assert "Of Mara" in client.get(RACES).content.decode()
    page = client.get(race.get_absolute_url()).content.decode()
    assert race.runs.first().name not in page  # its runs are still their owner's alone
    assert "Cancel the race" not in page


def test_the_list_says_how_far_each_race_is(signed_in, ready_dataset):
    assert "On your marks." in signed_in.get(RACES).content.decode()
    make_race(ready_dataset, name="Waits")
    finish_race(make_race(ready_dataset, name="Done"))
    page = signed_in.get(RACES).content.decode()
    assert "0 of 4 ended" in page
    assert "Finished" in page


def test_pages_of_races_ask_for_a_name_first(client, ready_dataset):
    race = make_race(ready_dataset)
    for address in (RACES, race.get_absolute_url(), create_url(ready_dataset)):
        assert client.get(address).status_code == 302


def test_hostile_names_stay_text(signed_in, user):
    hostile = "</script><script>alert(1)</script>"
    race = finish_race(make_race(make_ready_dataset(user, name=hostile), name=hostile))
    for address in (RACES, race.get_absolute_url(), create_url(race.dataset)):
        assert "<script>alert" not in signed_in.get(address).content.decode()


def test_its_owner_shares_a_race_and_others_see_how_it_stands(signed_in, client, ready_dataset, other_user):
    race = finish_race(make_race(ready_dataset, name="Spring race"))
    edit = reverse("training:race-edit", args=[race.pk])
    assert signed_in.post(edit, {"name": "Open race", "visibility": "shared"})["Location"] == race.get_absolute_url()
    client.force_login(other_user)
    page = client.get(race.get_absolute_url()).content.decode()
    assert "Open race" in page
    assert "shared with everyone signed in" in page
    assert all(run.get_absolute_url() in page for run in race.runs.all())
    assert "Name and sharing" not in page
    assert edit not in page


def test_a_race_without_a_name_is_refused_at_its_field(signed_in, ready_dataset):
    race = make_race(ready_dataset, name="Spring race")
    answer = signed_in.post(reverse("training:race-edit", args=[race.pk]), {"name": " ", "visibility": "shared"})
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["name"])
    race.refresh_from_db()
    assert (race.name, race.visibility) == ("Spring race", "private")


def test_a_race_is_deleted_and_its_runs_stay(signed_in, ready_dataset):
    race = make_race(ready_dataset, name="Spring race")
    assert "those that wait or learn go on" in signed_in.get(race.get_absolute_url()).content.decode()
    answer = signed_in.post(reverse("training:race-delete", args=[race.pk]), follow=True)
    assert "Its runs stay." in answer.content.decode()
    assert not Race.objects.exists()
    assert TrainingRun.objects.queued().count() == 4


@pytest.mark.parametrize("name", ["race-edit", "race-delete"])
def test_nobody_changes_another_persons_race(signed_in, other_user, name):
    race = make_race(make_ready_dataset(other_user), name="Theirs")
    Race.objects.update(visibility="shared")
    answer = signed_in.post(reverse(f"training:{name}", args=[race.pk]), {"name": "Mine", "visibility": "private"})
    assert answer.status_code == 404
    race.refresh_from_db()
    assert (race.name, race.visibility) == ("Theirs", "shared")
