"""Mails when something is due: listed in the database, sent by workers, stopped by the learner."""
