"""Pages of copies: each group with the song in use and its copies beside it, and a way to take them back."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from training.errors import ExpectedError
from training.line_differences import GAP, SAME, Row, side_by_side
from training.models import Song
from training.services import duplicates as services
from training.views.access import owned, visible, words_of

GROUPS_ON_A_PAGE = 6
COPIES_SHOWN = 8


@dataclass(frozen=True)
class Copy:
    """A song that is left out, and how it differs from the one that stays."""

    song: Song
    rows: list[Row]

    @property
    def is_the_same(self) -> bool:
        return all(row.kind in (GAP, SAME) for row in self.rows)


@dataclass(frozen=True)
class Group:
    """Songs that share their words: ``kept`` is in use, ``copies`` are left out; ``more`` are not shown."""

    name: str
    kept: Song
    copies: list[Copy]
    count: int

    @property
    def more(self) -> int:
        return max(0, self.count - len(self.copies))


@login_required
@require_GET
def duplicate_list(request: HttpRequest, dataset_id: str) -> HttpResponse:
    dataset = visible(request, dataset_id)
    groups = services.duplicate_groups(dataset=dataset).filter(copies__gt=0)
    page = Paginator(groups, GROUPS_ON_A_PAGE).get_page(request.GET.get("page"))
    copies = {row["duplicate_group"]: row["copies"] for row in page.object_list}
    songs = services.songs_of_groups(dataset, copies)
    context = {
        "section": "datasets",
        "dataset": dataset,
        "is_owner": dataset.owner_id == request.user.pk,
        "page": page,
        "groups": [_group(name, songs[name], count) for name, count in copies.items() if songs[name]],
        "next_version": dataset.version + 1,
    }
    return render(request, "training/duplicate_list.html", context)


def _group(name: str, songs: list[Song], count: int) -> Group:
    kept, *others = songs
    left_out = [song for song in others if song.excluded_as in services.COPIES][:COPIES_SHOWN]
    return Group(name, kept, [Copy(song, side_by_side(kept.text, song.text)) for song in left_out], count)


@login_required
@require_POST
def duplicate_restore(request: HttpRequest, dataset_id: str, group: str) -> HttpResponse:
    """Take the copies of a group back into use; that makes the dataset's next version."""
    dataset = owned(request, dataset_id)
    try:
        version = services.restore_group(dataset=dataset, group=group, by=request.user)
    except ExpectedError as refusal:
        messages.warning(request, words_of(refusal))
    else:
        messages.success(request, f"They are in use again. That made version {version.number}.")
    return redirect("training:duplicate-list", dataset.pk)
