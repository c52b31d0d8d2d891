"""A real SMTP server on this machine, with moods that can be changed while it runs."""

from tests.grounds.smtp.listening import running
from tests.grounds.smtp.server import Mood, Point, Received, SmtpServer

__all__ = ["Mood", "Point", "Received", "SmtpServer", "running"]
