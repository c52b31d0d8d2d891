"""django-post_office at its best: queues so many letters, then measures how fast it sends them.

Runs in an environment of its own. Its documentation's advice is followed: `send_many` to queue,
one batch, threads that keep their connection, no log of what went well. The text is ready made,
which spares it the rendering that ours pays for.

usage: queue_and_send.py LETTERS_FILE HOW_MANY SMTP_PORT DATABASE_JSON PROCESSES THREADS
"""

import json
import sys
import time
from itertools import cycle, islice
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command


def configure(database: dict, port: int, letters: int, threads: int) -> None:
    settings.configure(
        DATABASES={"default": database},
        INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        SECRET_KEY="for measuring only",
        USE_TZ=True,
        EMAIL_BACKEND="post_office.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        POST_OFFICE={
            "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
            "BATCH_SIZE": letters,
            "BATCH_DELIVERY_TIMEOUT": 3600,
            "THREADS_PER_PROCESS": threads,
            "LOG_LEVEL": 0,
        },
    )
    django.setup()


def main() -> None:
    file, how_many, port, database, processes, threads = sys.argv[1:]
    letters = int(how_many)
    configure(json.loads(database), int(port), letters, int(threads))
    from django.core.mail.utils import DNS_NAME
    from post_office import mail
    from post_office.models import STATUS, Email

    call_command("migrate", verbosity=0)
    Email.objects.all().delete()
    str(DNS_NAME)  # it may ask the network for this machine's name, once
    samples = cycle(json.loads(Path(file).read_text("utf-8")))
    mail.send_many(
        [
            {
                "sender": one["from"],
                "recipients": [one["to"]],
                "subject": one["subject"],
                "message": one["body"],
                "headers": {"Reply-To": one["reply_to"]},
            }
            for one in islice(samples, letters)
        ]
    )
    began = time.perf_counter()
    mail.send_queued(processes=int(processes), log_level=0)
    seconds = time.perf_counter() - began
    sent = Email.objects.filter(status=STATUS.sent).count()
    print(json.dumps({"sent": sent, "seconds": seconds}))


if __name__ == "__main__":
    main()
