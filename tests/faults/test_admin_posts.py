"""Posts to the admin that no page of it offers: nobody reaches what they were not given, and no state is written."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from lyricsite.models import ApiToken, User
from tests.conftest import make_user
from tests.faults.people import Belongings, database_digest, give_belongings
from tests.training.finished_runs import make_finished_run, make_running_run
from training import lifecycle
from training.models import Checkpoint, TrainingRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

KINDS = ("trainingrun", "dataset", "checkpoint", "song", "import", "datasetversion", "rejection")
# Beside these two, which the admin's pages offer, nothing of a run or a model is anybody's to write.
OFFERED = {"name", "visibility"}


@pytest.fixture
def things(user) -> Belongings:
    lifecycle.worker_beat("training@here", host="here", pid=1, queues=["training"])
    return give_belongings(user)


def signed_in(person: User | None) -> Client:
    client = Client()
    if person is not None:
        client.force_login(person)
    return client


def with_permissions(person: User, *codes: str) -> User:
    person.user_permissions.set(Permission.objects.filter(codename__in=codes))
    assert person.user_permissions.count() == len(codes)
    return person


def make_clerk(*codes: str) -> User:
    """Staff with these permissions alone."""
    return with_permissions(make_user("clerk", is_staff=True), *codes)


def all_permissions() -> list[str]:
    return list(Permission.objects.values_list("codename", flat=True).distinct())


def make_nobody() -> None:
    return None


def make_outsider() -> User:
    """Every permission there is, but no staff: the admin is not theirs."""
    outsider = make_user("outsider")
    outsider.user_permissions.set(Permission.objects.all())
    return outsider


def make_reader() -> User:
    return make_clerk(*(f"view_{kind}" for kind in (*KINDS, "worker", "user", "group", "apitoken", "lyric")))


def make_stranger_to_training() -> User:
    """Staff who may do everything elsewhere, and here nothing but look."""
    elsewhere = ("change_lyric", "delete_lyric", "change_apitoken", "delete_apitoken", "change_group")
    return make_clerk("view_trainingrun", "view_dataset", "view_checkpoint", "view_song", *elsewhere)


def rows_of(things: Belongings) -> dict[str, object]:
    return {
        "training_trainingrun": things.run,
        "training_dataset": things.dataset,
        "training_checkpoint": things.model,
        "training_song": things.song,
        "training_import": things.job,
        "training_datasetversion": things.dataset.versions.first(),
        "training_rejection": things.job.rejections.first(),
    }


ACTIONS = (
    "cancel_runs",
    "import_again",
    "export_csv",
    "export_json_lines",
    "leave_out",
    "take_back",
    "delete_selected",
)
UPLOAD = {"name": "x", "file": "x"}


def forged_posts(things: Belongings):
    """Every post that would change something of training, by address and form."""
    for name, row in rows_of(things).items():
        for action in ACTIONS:
            form = {"action": action, "_selected_action": row.pk, "select_across": "0", "post": "yes", "index": "0"}
            yield reverse(f"admin:{name}_changelist"), form
        yield reverse(f"admin:{name}_changelist"), list_edit(row)
        yield reverse(f"admin:{name}_add"), every_column(row) | UPLOAD
        yield reverse(f"admin:{name}_change", args=[row.pk]), every_column(row) | inlines(row)
        yield reverse(f"admin:{name}_delete", args=[row.pk]), {"post": "yes"}
    yield reverse("admin:training_dataset_mapping", args=[things.dataset.pk]), {"lyrics": "lyrics"}
    yield reverse("admin:training_intake_set"), {"open": "no", "reason": "forged"}
    yield reverse("admin:training_worker_drain", args=["training@here"]), {}


def every_column(row) -> dict[str, str]:
    """A form with something new for each column, as if the page had offered it."""
    forged = {}
    for field in row._meta.concrete_fields:
        value = {"state": "succeeded", "visibility": "shared", "config": "{}"}.get(field.name, "7")
        forged |= {field.name: value, field.attname: value, f"{field.name}_0": "2026-01-01", f"{field.name}_1": "00:00"}
    forged.pop("dataset", None)  # with this name the admin's theme answers a form itself, before any field is read
    return forged


def list_edit(row) -> dict[str, str]:
    """What a list whose rows can be edited would send."""
    form = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-MAX_NUM_FORMS": "9", "_save": "Save"}
    return form | {"form-0-id": row.pk, "form-0-pk": row.pk} | {f"form-0-{k}": v for k, v in every_column(row).items()}


INLINES = {"trainingrun": ("attempt_rows", "events", "insights"), "dataset": ("versions", "imports")}


def inlines(row) -> dict[str, str]:
    """The rows below a form, each changed and struck out, and another one added."""
    form = {}
    for prefix in INLINES.get(row._meta.model_name, ()):
        there = list(getattr(row, prefix).all())
        sizes = {"TOTAL_FORMS": len(there) + 1, "INITIAL_FORMS": len(there), "MAX_NUM_FORMS": 1000}
        form |= {f"{prefix}-{name}": size for name, size in sizes.items()}
        for number in range(len(there) + 1):
            written = {"number": "7", "outcome": "lost", "reason": "forged", "message": "forged", "sentence": "forged"}
            written |= {"state": "succeeded", "kind": "transition", "DELETE": "on"}
            form |= {f"{prefix}-{number}-{name}": value for name, value in written.items()}
        form |= {f"{prefix}-{number}-id": one.pk for number, one in enumerate(there)}
    return form


@pytest.mark.parametrize(
    "make_person", [make_nobody, make_outsider, make_clerk, make_reader, make_stranger_to_training]
)
def test_who_was_given_nothing_changes_nothing(things, make_person):
    """F102: actions, forms, rows of lists, inlines and deletions, posted without the page that would offer them."""
    running, held = make_running_run(things.dataset, name="Running")
    person = make_person()
    client, before, posts = signed_in(person), database_digest(), 0
    for address, form in forged_posts(things):
        answer = client.post(address, form)
        assert answer.status_code in (200, 302, 403), (address, form, answer.status_code)
        assert database_digest() == before, (address, form)
        posts += 1
    assert posts > 70
    assert lifecycle.renew(running.pk, held.token).ok


CHANGERS = [f"{verb}_{kind}" for kind in KINDS for verb in ("view", "change", "add")]


def columns(row) -> dict:
    return type(row)._base_manager.filter(pk=row.pk).values().get()


def changed_by_post(client: Client, row, *, refused: bool = False, **fields) -> set[str]:
    """The columns that a change form with something new for each of them has changed."""
    before, form = columns(row), every_column(row) | inlines(row) | fields
    answer = client.post(reverse(f"admin:training_{row._meta.model_name}_change", args=[row.pk]), form)
    assert answer.status_code == (403 if refused else 302), answer
    return {name for name, value in columns(row).items() if value != before[name]} - {"updated_at"}


@pytest.mark.parametrize("person", ["clerk", "superuser"])
def test_who_may_change_writes_no_column_that_is_not_offered(things, person, staff_user):
    """F102: state, lease, owner, results and hashes stay, whatever a form says of them; for superusers too."""
    client = signed_in(make_clerk(*CHANGERS) if person == "clerk" else staff_user)
    running, held = make_running_run(things.dataset, name="Running")
    finished = make_finished_run(things.dataset)
    for row in (things.run, running, finished, things.model):
        assert changed_by_post(client, row) == OFFERED, row
    for row in (things.song, things.job, things.dataset.versions.first()):
        assert changed_by_post(client, row, refused=True) == set(), row
    assert lifecycle.renew(running.pk, held.token).ok


def test_a_datasets_form_writes_what_it_describes_and_not_how_it_was_read(things, staff_user):
    """F102: its state, version and hash are the import's."""
    changed = changed_by_post(signed_in(staff_user), things.dataset, owner=things.dataset.owner_id)
    assert changed == {"name", "description", "visibility"}


def test_the_rows_below_a_form_are_read_only(things, staff_user):
    """F102: attempts, history, insights, versions and imports are neither changed nor struck out nor added to."""
    make_running_run(things.dataset)
    run = TrainingRun.objects.get(name=things.run.name)
    client = signed_in(staff_user)
    for row in (run, things.dataset):
        kept = {prefix: list(getattr(row, prefix).order_by("pk").values()) for prefix in INLINES[row._meta.model_name]}
        address = reverse(f"admin:training_{row._meta.model_name}_change", args=[row.pk])
        form = {"name": "x", "visibility": "private", "owner": row.owner_id}
        assert client.post(address, form | inlines(row)).status_code == 302
        now = {prefix: list(getattr(row, prefix).order_by("pk").values()) for prefix in kept}
        assert now == kept


def test_a_list_has_no_rows_to_edit(things, staff_user):
    """F102: a posted list of rows is only looked at, by a superuser too."""
    client, before = signed_in(staff_user), database_digest()
    for name, row in rows_of(things).items():
        client.post(reverse(f"admin:{name}_changelist"), list_edit(row))
    assert database_digest() == before


def test_a_run_that_a_worker_holds_is_deleted_by_nobody(things, staff_user):
    """F102: neither by its own page nor by an action that its list does not offer."""
    running, held = make_running_run(things.dataset)
    client = signed_in(staff_user)
    assert (
        client.post(reverse("admin:training_trainingrun_delete", args=[running.pk]), {"post": "yes"}).status_code == 403
    )
    chosen = {"action": "delete_selected", "_selected_action": [running.pk, things.run.pk], "post": "yes"}
    client.post(reverse("admin:training_trainingrun_changelist"), chosen)
    assert TrainingRun.objects.filter(pk__in=[running.pk, things.run.pk]).count() == 2
    assert lifecycle.renew(running.pk, held.token).ok


def test_what_a_run_goes_on_from_is_not_chosen_by_a_forged_list(things, staff_user):
    """F102: the list holds published models; the id of another checkpoint among the chosen finds none."""
    hidden = things.model
    Checkpoint.objects.filter(pk=hidden.pk).update(published_at=None)
    client = signed_in(staff_user)
    chosen = {"action": "delete_selected", "_selected_action": [hidden.pk], "post": "yes"}
    client.post(reverse("admin:training_checkpoint_changelist"), chosen)
    client.post(reverse("admin:training_checkpoint_delete", args=[hidden.pk]), {"post": "yes"})
    assert Checkpoint.objects.filter(pk=hidden.pk, state="ready").exists()


def test_an_action_that_is_offered_goes_through_the_service(things):
    """F102: who may change runs cancels one by the action, and the history says who did."""
    clerk = make_clerk("view_trainingrun", "change_trainingrun")
    chosen = {"action": "cancel_runs", "_selected_action": [things.run.pk]}
    signed_in(clerk).post(reverse("admin:training_trainingrun_changelist"), chosen)
    things.run.refresh_from_db()
    assert (things.run.state, things.run.events.last().actor) == ("cancelled", "clerk")


# ── Permissions of people ────────────────────────────────────────────────────────────────────────────────────────
MANAGES_PEOPLE = [f"{verb}_{kind}" for kind in ("user", "group") for verb in ("view", "change", "add", "delete")]


def form_of(person: User, **changes) -> dict:
    form = {"username": person.username, "is_active": "on", "is_staff": "on", "date_joined_0": "2026-01-01"}
    return form | {"date_joined_1": "00:00:00"} | changes


def test_who_manages_people_gives_nobody_more_than_they_have(user):
    """F102: neither to themselves nor to others, by rights, by groups or by being superuser."""
    clerk = make_clerk(*MANAGES_PEOPLE)
    group = Group.objects.create(name="Everything")
    group.permissions.set(Permission.objects.all())
    forged = {
        "is_superuser": "on",
        "groups": [group.pk],
        "user_permissions": list(Permission.objects.values_list("pk", flat=True)),
    }
    client, rights = signed_in(clerk), set(clerk.get_all_permissions())
    for person in (clerk, user):
        answer = client.post(reverse("admin:lyricsite_user_change", args=[person.pk]), form_of(person, **forged))
        assert answer.status_code in (302, 403)
    for person, had in ((clerk, rights), (user, set())):
        again = User.objects.get(pk=person.pk)
        assert (again.is_superuser, set(again.get_all_permissions())) == (False, had), person


def test_who_manages_people_reaches_no_superuser(staff_user):
    """F102: a superuser's password, name and account are superusers' to change."""
    client, before = signed_in(make_clerk(*MANAGES_PEOPLE)), columns(staff_user)
    new = {"password1": "another horse 8 battery", "password2": "another horse 8 battery", "usable_password": "true"}
    for page, form in {
        "admin:auth_user_password_change": new,
        "admin:lyricsite_user_change": form_of(staff_user, username="mine"),
        "admin:lyricsite_user_delete": {"post": "yes"},
    }.items():
        assert client.post(reverse(page, args=[staff_user.pk]), form).status_code == 403, page
    chosen = {"action": "delete_selected", "_selected_action": [staff_user.pk], "post": "yes"}
    client.post(reverse("admin:lyricsite_user_changelist"), chosen)
    assert columns(staff_user) == before


def test_who_manages_groups_widens_none(user):
    """F102: what a group may is superusers' to say: its members would have it all at once."""
    clerk = make_clerk(*MANAGES_PEOPLE)
    group = Group.objects.create(name="Clerks")
    clerk.groups.add(group)
    every = list(Permission.objects.values_list("pk", flat=True))
    client = signed_in(clerk)
    client.post(reverse("admin:auth_group_change", args=[group.pk]), {"name": "Clerks", "permissions": every})
    client.post(reverse("admin:auth_group_add"), {"name": "More", "permissions": every})
    assert not Permission.objects.filter(group__isnull=False).exists()


def test_a_token_is_neither_made_nor_changed(user, staff_user):
    """F102: the admin revokes tokens; a forged form moves none to another person and lengthens no life."""
    row, _ = ApiToken.issue(user=user, scope="read")
    before, client = columns(row), signed_in(staff_user)
    client.post(reverse("admin:lyricsite_apitoken_change", args=[row.pk]), every_column(row))
    client.post(reverse("admin:lyricsite_apitoken_add"), every_column(row))
    assert columns(row) == before
    assert ApiToken.objects.count() == 1
