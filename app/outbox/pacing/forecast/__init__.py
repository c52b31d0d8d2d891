"""When the letters that wait will have left: the rule of the pace, hour by hour, as if poured.

A mailbox's letters follow each other by `limits.spacing` hours at peak, so many a day and so many
in all; all mailboxes behind one host share what that host takes in an hour. Jitter moves a single
letter and not the last one's day, so it is left out.
"""

from app.outbox.pacing.forecast.departure import HORIZON, Departure, Point, Waiting
from app.outbox.pacing.forecast.pouring import departures

__all__ = ["HORIZON", "Departure", "Point", "Waiting", "departures"]
