"""What the admin pages of this app share."""

from django.contrib.admin.options import IncorrectLookupParameters
from unfold.admin import ModelAdmin


class TrainingAdmin(ModelAdmin):
    """Refuses NUL in an address as Django refuses other nonsense; PostgreSQL would make a server error of it."""

    def get_changelist_instance(self, request):
        # Django catches what fails while filters are built; over NUL, the database fails only when they are asked.
        if any("\0" in value for _, values in request.GET.lists() for value in values):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def get_object(self, request, object_id, from_field=None):
        return None if "\0" in object_id else super().get_object(request, object_id, from_field)
