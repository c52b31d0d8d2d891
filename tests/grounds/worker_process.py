"""A worker in a process of its own, to be killed: its settings come from the environment.

`python -m app worker` allows no lease as short as a test's.
"""

import asyncio
import logging
import os
import signal

import structlog

from app.db import Database
from app.delivery import worker
from app.settings import Settings


async def main() -> None:
    lease = float(os.environ["LEASE"])
    quick = {"lease_seconds": lease, "smtp_timeout": lease / 8}
    settings = Settings(_env_file=None).model_copy(update=quick)
    database = Database(settings.database)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await worker.run(settings, database, name=os.environ["NAME"], stop=stop, data_timeout=lease / 2)
    await database.close()


if __name__ == "__main__":
    quiet = structlog.make_filtering_bound_logger(logging.WARNING)
    structlog.configure(wrapper_class=quiet)
    asyncio.run(main())
