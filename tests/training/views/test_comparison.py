"""Comparing runs by page."""

import pytest
from django.urls import reverse

from tests.conftest import make_user
from tests.songs import make_ready_dataset
from tests.training.finished_runs import make_failed_run, make_finished_run, make_model, make_running_run
from tests.training.insight_data import make_insights

pytestmark = pytest.mark.django_db
COMPARE = reverse("training:run-compare")


def usual(client, dataset, **query):
    return client.get(reverse("training:dataset-compare", args=[dataset.pk]), query, follow=True)


def labels_on(answer) -> list[str]:
    return [entrant.label for entrant in answer.context["comparison"].entrants]


def test_the_newest_finished_run_of_each_cell_is_compared(signed_in, ready_dataset):
    make_finished_run(ready_dataset, architecture="lstm", name="older", losses=(2.4, 2.2))
    make_finished_run(ready_dataset, architecture="lstm", name="newer", losses=(2.4, 1.8))
    make_finished_run(ready_dataset, architecture="rnn", losses=(2.6, 2.5))
    make_running_run(ready_dataset, architecture="lstm", name="learning")
    answer = usual(signed_in, ready_dataset)
    assert labels_on(answer) == ["RNN", "LSTM"]
    assert answer.context["comparison"].entrants[1].first.name == "newer"
    page = answer.content.decode()
    assert "LSTM knows these songs best: 0.90 nats per character" in page
    assert 'class="best">0.90' in page


def test_chosen_runs_of_one_cell_are_numbered_and_named(signed_in, ready_dataset):
    runs = [make_finished_run(ready_dataset, name=name) for name in ("first", "second")]
    answer = signed_in.get(COMPARE, {"run": [run.pk for run in runs]})
    assert labels_on(answer) == ["LSTM 1", "LSTM 2"]
    page = answer.content.decode()
    assert all(f'<a href="{run.get_absolute_url()}">{run.name}</a>' in page for run in runs)


def test_a_run_is_compared_with_those_that_read_alike(signed_in, ready_dataset):
    word = make_finished_run(ready_dataset, architecture="gru", config={"tokenizer": "word"})
    make_finished_run(ready_dataset, architecture="rnn")
    make_finished_run(ready_dataset, architecture="lstm")
    assert labels_on(usual(signed_in, ready_dataset, **{"with": word.pk})) == ["GRU"]


def test_runs_of_others_are_neither_compared_nor_offered(signed_in, ready_dataset, other_user):
    theirs = make_finished_run(ready_dataset, owner=other_user, name="Of Tom")
    answer = signed_in.get(COMPARE, {"run": theirs.pk})
    assert labels_on(answer) == []
    assert "Of Tom" not in answer.content.decode()
    assert usual(signed_in, make_ready_dataset(other_user)).status_code == 404
    shared = make_finished_run(ready_dataset, owner=other_user, name="Shared by Tom", visibility="shared")
    assert labels_on(signed_in.get(COMPARE, {"run": shared.pk})) == ["LSTM"]


def test_a_model_that_is_not_mine_to_see_writes_nothing_for_me(signed_in, ready_dataset, other_user):
    mine, theirs = (make_finished_run(ready_dataset, architecture=cell) for cell in ("rnn", "gru"))
    written_by = make_model(mine)
    hidden = make_model(theirs)
    type(hidden).objects.filter(pk=hidden.pk).update(owner=other_user)
    page = signed_in.get(COMPARE, {"run": [mine.pk, theirs.pk]}).content.decode()
    assert f'name="model" value="{written_by.pk}"' in page
    assert hidden.pk not in page


def test_runs_that_never_learnt_are_not_compared(signed_in, ready_dataset):
    failed = make_failed_run(ready_dataset)
    assert labels_on(signed_in.get(COMPARE, {"run": failed.pk})) == []


def test_curves_are_drawn_by_tokens_unless_the_address_says_otherwise(signed_in, ready_dataset):
    run = make_finished_run(ready_dataset).pk
    for asked, axis in ((None, "tokens"), ("epochs", "epochs"), ("seconds", "time"), ("nonsense", "tokens")):
        page = signed_in.get(COMPARE, {"run": run} | ({"by": asked} if asked else {})).content.decode()
        assert f"nats per character, by {axis}" in page
        assert '<path class="curve"' in page


def test_the_time_is_taken_to_the_loss_that_was_asked_for(signed_in, ready_dataset):
    runs = [make_finished_run(ready_dataset, architecture=cell).pk for cell in ("rnn", "gru")]
    page = signed_in.get(COMPARE, {"run": runs, "loss": "1.1", "by": "seconds"}).content.decode()
    assert "Time to 1.1<" in page
    assert '<input type="hidden" name="by" value="seconds">' in page


def test_what_each_remembers_is_drawn_under_the_name_it_has_here(signed_in, ready_dataset):
    runs = [make_finished_run(ready_dataset, name=name) for name in ("first", "second")]
    assert "Why they differ" not in signed_in.get(COMPARE, {"run": [run.pk for run in runs]}).content.decode()
    for run in runs:
        make_insights(run)
    page = signed_in.get(COMPARE, {"run": [run.pk for run in runs]}).content.decode()
    assert "Why they differ" in page
    assert "Memory ruler" in page
    assert page.count(">LSTM 2</text>") > 1


def test_the_link_and_the_tables_name_every_run(signed_in, ready_dataset):
    runs = [make_finished_run(ready_dataset, architecture=cell) for cell in ("rnn", "gru")]
    answer = signed_in.get(COMPARE, {"run": [run.pk for run in runs], "dataset": ready_dataset.pk})
    link = answer.context["permanent_url"]
    assert all(f"run={run.pk}" in link for run in runs)
    assert labels_on(signed_in.get(link)) == labels_on(answer)
    table = signed_in.get(answer.context["table_url"] + "format=csv")
    assert table["Content-Type"].startswith("text/csv")
    assert len(table.content.decode().splitlines()) == 3


def test_runs_of_different_songs_are_compared_with_a_warning(signed_in, ready_dataset, user):
    runs = [make_finished_run(dataset) for dataset in (ready_dataset, make_ready_dataset(user, name="Others"))]
    assert "Judged by different songs" in signed_in.get(COMPARE, {"run": [run.pk for run in runs]}).content.decode()


def test_a_page_that_is_still_learning_fetches_itself_again(signed_in, ready_dataset):
    running, _ = make_running_run(ready_dataset)
    finished = make_finished_run(ready_dataset)
    assert 'hx-trigger="every 5s"' in signed_in.get(COMPARE, {"run": running.pk}).content.decode()
    assert 'hx-trigger="every 5s"' not in signed_in.get(COMPARE, {"run": finished.pk}).content.decode()


def test_without_runs_the_page_says_how_to_come_by_some(signed_in, ready_dataset):
    assert "A race needs runners" in usual(signed_in, ready_dataset).content.decode()
    assert reverse("training:dataset-list") in signed_in.get(COMPARE).content.decode()


def test_more_than_ten_runs_are_cut(signed_in, ready_dataset):
    runs = [make_finished_run(ready_dataset, name=str(number)) for number in range(11)]
    assert len(labels_on(signed_in.get(COMPARE, {"run": [run.pk for run in runs]}))) == 10


def test_comparing_many_runs_takes_no_more_queries(signed_in, ready_dataset, django_assert_max_num_queries):
    runs = [make_finished_run(ready_dataset) for _ in range(8)]
    with django_assert_max_num_queries(9):
        signed_in.get(COMPARE, {"run": [run.pk for run in runs]})


def test_the_comparison_asks_for_a_name_first(client, ready_dataset):
    make_user("mara2")
    assert client.get(COMPARE).status_code == 302
    assert client.get(reverse("training:dataset-compare", args=[ready_dataset.pk])).status_code == 302
