"""Learners in the admin, whose log-in is the app’s own, with the same limits."""

from collections.abc import Iterable
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import HttpRequest

from accounts.models import User

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Accounts are made by signing up; passwords stay out: learners change theirs themselves."""

    list_display = ("__str__", "joined_at", "last_login", "is_guest", "is_active", "is_staff")
    list_filter = ("is_guest", "is_active", "is_staff")
    search_fields = ("email",)
    ordering = ("-pk",)
    show_full_result_count = False
    exclude = ("password",)
    readonly_fields = ("email", "joined_at", "last_login", "is_guest")
    filter_horizontal = ("groups", "user_permissions")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def get_deleted_objects(
        self,
        objs: Iterable[Any],
        request: HttpRequest,  # noqa: ARG002
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Name the learners alone: their schedules and logs, which nothing else deletes, go with them."""
        names = [str(learner) for learner in objs]
        return names, {"learners, with all that is theirs": len(names)}, set(), []
