"""Learners in the admin, behind a second factor; its log-in is the app’s own, with the same limits."""

from collections.abc import Iterable
from importlib import import_module
from itertools import islice
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.auth.models import Permission
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts import admin_door, deleting, helping
from accounts.models import AccountEvent, User

admin.site.has_permission = admin_door.admits  # type: ignore[method-assign]
admin.site.login = admin_door.log_in  # type: ignore[method-assign]
admin.site.password_change = admin_door.change_password  # type: ignore[assignment, method-assign]
# allauth shows the secrets of second factors there, and looks for sessions by a user name that nobody has.
for module, model in (("mfa", Authenticator), ("usersessions", UserSession)):
    import_module(f"allauth.{module}.admin")
    admin.site.unregister(model)

LISTS = {
    "flashcards_reminder": "mails",
    "accounts_accountevent": "account events",
    "flashcards_reviewstate": "schedules",
    "flashcards_reviewlog": "answers",
}
MOST_AT_ONCE = 100  # learners, in one action
TOO_MANY = f"Choose at most {MOST_AT_ONCE} learners at a time."
POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Accounts are made by signing up; passwords stay out: learners change theirs themselves.

    Who isn't a superuser gives nobody powers, and helps learners only, not other staff.
    """

    list_display = (
        "__str__", "joined_at", "last_login", "confirmed", "second_factor", "reminders", "is_active",
        "is_staff",
    )  # fmt: skip
    list_filter = ("is_guest", "is_active", "is_staff", "reminders", "weekly_summary")
    search_fields = ("email",)
    search_help_text = "Some of the address."
    ordering = ("-pk",)
    show_full_result_count = False
    exclude = ("password",)
    readonly_fields = (
        "email",
        "look_at",
        "joined_at",
        "last_login",
        "is_guest",
        "confirmed",
        "second_factor",
    )
    filter_horizontal = ("groups", "user_permissions")
    actions = ("send_confirmation", "unlock", "reset_second_factor", "sign_out")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Return the learners, with two answers that the list shows."""
        theirs = EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True)
        factors = Authenticator.objects.filter(user=OuterRef("pk"))
        learners: QuerySet[User] = super().get_queryset(request).filter(gone_at=None)
        return learners.annotate(address_confirmed=Exists(theirs), secured=Exists(factors))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        own: tuple[str, ...] = tuple(super().get_readonly_fields(request, obj))
        return own if request.user.is_superuser else own + POWERS

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Fetch the permissions with what their names are made of, or each costs a statement."""
        if db_field.name == "user_permissions":
            kwargs["queryset"] = Permission.objects.select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def get_deleted_objects(
        self, objs: Iterable[Any], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Name the learners alone: their schedules and logs, which nothing else deletes, go with them."""
        if len(objs := list(islice(objs, MOST_AT_ONCE + 1))) > MOST_AT_ONCE:
            return [], {}, set(), [TOO_MANY]
        names = [str(learner) for learner in objs]
        refused = [str(learner) for learner in objs if not _may_touch(request, learner)]
        return names, {"learners, with all that is theirs": len(names)}, set(), refused

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        deleting.delete(obj, timezone.now(), by=_staff(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for learner in queryset:
            deleting.delete(learner, timezone.now(), by=_staff(request))

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[User]) -> Any:
        """Leave the admin's own note out: it would keep the address. The account event stays."""

    @admin.display(boolean=True, ordering="address_confirmed")
    def confirmed(self, learner: Any) -> bool:
        return bool(learner.address_confirmed)

    @admin.display(boolean=True, description="second factor", ordering="secured")
    def second_factor(self, learner: Any) -> bool:
        return bool(learner.secured)

    @admin.display(description="what there is of theirs")
    def look_at(self, learner: User) -> SafeString:
        """Lead to the lists that say when something happened; none shows what a learner wrote."""
        links = [(reverse(f"admin:{name}_changelist"), learner.pk, words) for name, words in LISTS.items()]
        return format_html_join(", ", '<a href="{}?learner__id__exact={}">{}</a>', links)

    @admin.action(description="Send the confirmation mail again", permissions=["change"])
    def send_confirmation(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._help(request, queryset, helping.send_confirmation)

    @admin.action(description="Unlock the log-in after too many failures", permissions=["change"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._help(request, queryset, helping.unlock)

    @admin.action(description="Remove the second factor and sign out everywhere", permissions=["change"])
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._help(request, queryset, helping.reset_second_factor)

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._help(request, queryset, helping.sign_out)

    def _help(self, request: HttpRequest, queryset: QuerySet[User], help_one: helping.Help) -> None:
        if queryset[MOST_AT_ONCE : MOST_AT_ONCE + 1].exists():
            self.message_user(request, TOO_MANY, messages.ERROR)
            return
        learners = [learner for learner in queryset if _may_touch(request, learner)]
        helped = sum(help_one(request, learner, _staff(request), timezone.now()) for learner in learners)
        self.message_user(request, f"Done for {helped} of {len(queryset)}.")


@admin.register(AccountEvent)
class AccountEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """What happened to accounts: to look at, and nothing else."""

    list_display = ("at", "kind", "learner", "device", "network", "session", "by")
    list_filter = ("kind",)
    list_select_related = ("learner", "by")
    search_fields = ("learner__email",)
    ordering = ("-at", "-pk")
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AccountEvent | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AccountEvent | None = None) -> bool:
        return False


def _staff(request: HttpRequest) -> User:
    assert request.user.is_authenticated
    return request.user


def _may_touch(request: HttpRequest, learner: User | None) -> bool:
    return learner is None or request.user.is_superuser or not (learner.is_staff or learner.is_superuser)
