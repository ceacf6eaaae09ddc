"""Decks and cards, each learner's state and its log, interviews, mails, tallies: mapping and constraints."""

from flashcards.models.decks import Card, Deck, Topic
from flashcards.models.interviews import Interview, InterviewTopic
from flashcards.models.reminders import Heartbeat, Reminder
from flashcards.models.reviews import DayStat, Frontier, Note, ReviewLog, ReviewState
from flashcards.models.tallies import Tally

__all__ = [
    "Card",
    "DayStat",
    "Deck",
    "Frontier",
    "Heartbeat",
    "Interview",
    "InterviewTopic",
    "Note",
    "Reminder",
    "ReviewLog",
    "ReviewState",
    "Tally",
    "Topic",
]
