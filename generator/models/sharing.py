"""What may be read by whoever has its link, until the link is taken back."""

import secrets

from django.db import models


class SharedQuerySet(models.QuerySet):
    def owned_by(self, user) -> "SharedQuerySet":
        return self.filter(owner=user)

    def behind(self, link: str) -> "SharedQuerySet":
        """What the link ``link`` shows: one row, or none where it was taken back."""
        return self.filter(share_link=link)


class Shared(models.Model):
    """Something of a person with a link of its own, unguessable and new each time it is shared again."""

    share_link = models.CharField(max_length=43, null=True, blank=True, unique=True, editable=False)

    class Meta:
        abstract = True

    @property
    def is_shared(self) -> bool:
        return self.share_link is not None

    def share(self) -> None:
        """Give it a link, unless it has one."""
        type(self).objects.filter(pk=self.pk, share_link=None).update(share_link=secrets.token_urlsafe(32))
        self.refresh_from_db(fields=["share_link"])

    def stop_sharing(self) -> None:
        """Take its link back: it shows nothing any more, ever."""
        type(self).objects.filter(pk=self.pk).update(share_link=None)
        self.share_link = None
