"""People and tokens in the admin."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from lyricsite.models import ApiToken, User

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    """Who manages people gives nobody more than they have: rights, and the accounts of staff, are superusers' matter.

    Else a right to change people would be every right: by a tick at oneself, or by a new password for a superuser.
    """

    rights = ("is_staff", "is_superuser", "groups", "user_permissions")
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm

    def get_readonly_fields(self, request, obj=None) -> tuple[str, ...]:
        return () if request.user.is_superuser else self.rights

    def has_change_permission(self, request, obj=None) -> bool:
        return super().has_change_permission(request, obj) and self._is_theirs(request, obj)

    def has_delete_permission(self, request, obj=None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_theirs(request, obj)

    @staticmethod
    def _is_theirs(request, person: User | None) -> bool:
        is_staff = person is not None and (person.is_staff or person.is_superuser)
        return request.user.is_superuser or not is_staff or person == request.user


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    def get_readonly_fields(self, request, obj=None) -> tuple[str, ...]:
        return () if request.user.is_superuser else ("permissions",)


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    """Tokens can be seen and revoked here, never made or read: their text is shown to their owner alone."""

    list_display = ["name", "user", "prefix", "scope", "created_at", "expires_at", "last_used_at"]
    list_filter = ["scope"]
    search_fields = ["name", "user__username", "prefix"]
    list_select_related = ["user"]

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False
