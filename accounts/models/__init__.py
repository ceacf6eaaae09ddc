"""The learner, their sessions, and what happened to their account: mapping and constraints."""

from accounts.models.events import AccountEvent
from accounts.models.learners import EVERY_DAY, User, validate_time_zone
from accounts.models.sessions import Session

__all__ = ["EVERY_DAY", "AccountEvent", "Session", "User", "validate_time_zone"]
