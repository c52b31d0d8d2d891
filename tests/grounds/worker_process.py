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
    lease = {"lease_seconds": float(os.environ["LEASE"])}
    settings = Settings(_env_file=None).model_copy(update=lease)
    database = Database(settings.database)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await worker.run(settings, database, name=os.environ["NAME"], stop=stop)
    await database.close()


if __name__ == "__main__":
    quiet = structlog.make_filtering_bound_logger(logging.WARNING)
    structlog.configure(wrapper_class=quiet)
    asyncio.run(main())
