"""Reports of errors to Sentry, or what speaks its language, where SENTRY_DSN names one; else nothing at all.

A report leaves the house. So it is built anew from what can't hold anything of a learner's: the type of the
error and the way to it, the view, the number of the request.
"""

from typing import Any, Final

from django.conf import settings

from config import logs

KEPT: Final = ("event_id", "timestamp", "level", "platform", "release", "server_name", "sdk", "transaction")
OF_A_FRAME: Final = ("filename", "module", "function", "lineno", "in_app")


def start() -> None:
    """Begin to report, in this process; without SENTRY_DSN not even the package is loaded."""
    if not settings.SENTRY_DSN:
        return
    import sentry_sdk  # noqa: PLC0415 - 60 ms and 8 MB that most have no use for

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        before_send=scrubbed,
    )


def scrubbed(event: Any, hint: Any) -> Any:
    """Return the report with nothing in it that a learner has written or is known by."""
    plain = {key: event[key] for key in KEPT if key in event}
    plain["tags"] = {**(logs.about.get() or {}), "logger": event.get("logger", "")}
    error = (hint.get("exc_info") or (None, None, None))[1]
    if error is None:
        record = hint.get("log_record")
        plain["message"] = logs.message_of(record) if record else "An event without an error"
        return plain
    # Sentry tells the cause first.
    told = (event.get("exception") or {}).get("values", [])
    plain["exception"] = {"values": [_exception(value) for value in told]}
    plain["exception"]["values"][-1]["value"] = logs.what(error)
    return plain


def _exception(value: Any) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames", [])
    plain = [{key: frame[key] for key in OF_A_FRAME if key in frame} for frame in frames]
    return {"type": value.get("type"), "module": value.get("module"), "stacktrace": {"frames": plain}}
