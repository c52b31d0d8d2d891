"""A real Postfix of Debian's, private to the tests: nothing of it is installed or kept running.

It listens on 127.0.0.1 only, has no way to another machine, and keeps mail for one address of
example.org in a folder; what is meant for our own domain it hands to our LMTP listener.
"""

import grp
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.bench.ground import postfix
from app.bench.ground.processes import (
    CannotMeasure,
    free_port,
    run,
    wait_until_it_listens,
)
from tests.grounds.databases import quick_folder
from tests.grounds.letters import MAIL_DOMAIN

NAME = "mx.example.org"  # what it calls itself in its reports
KNOWN = "keep-the-treaty-0@example.org"  # the one who has a mailbox
INSTALLED = Path("/")
UNPACKED = Path(__file__).parents[2] / "var" / "bench"  # where `make bench` keeps it too
MASTER = "usr/lib/postfix/sbin/master"
# accounts that every Debian has: Postfix wants one user and one group that nobody else uses
OWNER, DROP, NOBODY = "news", "irc", "nobody"
QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "hold", "incoming", "private")
MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
command_directory = {programs}/usr/sbin
daemon_directory = {programs}/usr/lib/postfix/sbin
data_directory = {folder}/data
mail_owner = {owner}
setgid_group = {drop}
default_privs = {nobody}
import_environment = MAIL_CONFIG MAIL_LOGTAG POSTLOG_SERVICE POSTLOG_HOSTNAME LANG=C {libraries}
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = {name}
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_reject_unlisted_recipient = no
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/mailboxes, regexp:{folder}/supporters
virtual_uid_maps = static:{nobody_id}
virtual_gid_maps = static:{nobody_id}
virtual_minimum_uid = 1
relay_domains = {ours}
transport_maps = texthash:{folder}/transport
default_transport = error:nothing leaves this machine
relay_transport = error:nothing leaves this machine
local_transport = error:nobody lives here
alias_maps =
alias_database =
disable_dns_lookups = yes
lmtp_host_lookup = native
lmtp_connection_cache_on_demand = no
fast_flush_domains =
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
"""
MASTERS = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
virtual unix - n n - - virtual
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


class NoPostfix(Exception):
    """Why there is none here."""


@dataclass(frozen=True)
class Postfix:
    """A running one. `returns`: the port at which it expects our LMTP listener."""

    folder: Path
    port: int
    returns: int

    @property
    def mailbox(self) -> str:
        """What lies in the one mailbox."""
        kept = self.folder / "mail" / "known"
        return kept.read_text("utf-8") if kept.exists() else ""

    def hurry(self) -> None:
        """Try again what it has put off, whenever that would be due: as `postqueue -f` does."""
        with socket.socket(socket.AF_UNIX) as manager:
            manager.connect(str(self.folder / "queue" / "public" / "qmgr"))
            manager.sendall(b"FADI")

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8")


@contextmanager
def running() -> Iterator[Postfix]:
    """A Postfix beside the block. Raises NoPostfix."""
    if os.geteuid():
        raise NoPostfix("Postfix is only started by root")
    programs = _programs()
    folder = quick_folder()
    folder.chmod(0o755)  # its own users come in
    with _kept_port() as returns:
        made = Postfix(folder, free_port(), returns.getsockname()[1])
        _write(made, programs)
        with _started(made, programs):
            yield made


@contextmanager
def _started(made: Postfix, programs: Path) -> Iterator[None]:
    environment = {"PATH": os.environ["PATH"]} | dict([_libraries(programs).split("=", 1)])
    process = subprocess.Popen(
        [programs / MASTER, "-c", made.folder, "-d"],
        env=environment,
        start_new_session=True,  # at its end it ends its whole group
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_it_listens(made.port, process)
        yield
    except CannotMeasure as reason:
        raise NoPostfix(str(reason)) from None
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(made.folder, ignore_errors=True)


def _kept_port() -> socket.socket:
    """A port that nobody else is given between two tests; our listener, which shares, is let in."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    kept.bind(("127.0.0.1", 0))
    return kept


def _programs() -> Path:
    """Where it is installed, or else unpacked. Raises NoPostfix."""
    if (INSTALLED / MASTER).exists():
        return INSTALLED
    try:
        unpacked = postfix.set_up(UNPACKED).folder
    except CannotMeasure as reason:
        raise NoPostfix(f"Postfix is not installed and cannot be fetched: {reason}") from None
    environment = dict([_libraries(unpacked).split("=", 1)])
    for name in ("master", "smtpd", "lmtp"):
        needed = run(["/usr/bin/ldd", (unpacked / MASTER).with_name(name)], env=environment)
        if "not found" in needed:
            raise NoPostfix(f"this machine lacks libraries of Postfix's {name}")
    return unpacked


def _libraries(programs: Path) -> str:
    folders = [programs / "usr/lib/postfix", *programs.glob("usr/lib/*-linux-gnu*")]
    return f"LD_LIBRARY_PATH={':'.join(map(str, folders))}"


def _write(made: Postfix, programs: Path) -> None:
    """Its configuration, and the folders it wants, owned as it wants them."""
    folder = made.folder
    try:
        owner, nobody = pwd.getpwnam(OWNER).pw_uid, pwd.getpwnam(NOBODY).pw_uid
        drop = grp.getgrnam(DROP).gr_gid
    except KeyError as missing:
        raise NoPostfix(f"this machine lacks an account: {missing}") from None
    for name in (*QUEUES, "flush", "saved", "trace", "pid", "maildrop", "public"):
        (folder / "queue" / name).mkdir(parents=True, mode=0o700)
        os.chown(folder / "queue" / name, 0 if name == "pid" else owner, -1)
    for name, mode in (("maildrop", 0o730), ("public", 0o710)):
        os.chown(folder / "queue" / name, owner, drop)
        (folder / "queue" / name).chmod(mode)
    for name, user in (("data", owner), ("mail", nobody)):
        (folder / name).mkdir()
        os.chown(folder / name, user, -1)
    words = {"owner": OWNER, "drop": DROP, "nobody": NOBODY, "nobody_id": nobody}
    main = MAIN.format(
        folder=folder,
        programs=str(programs).rstrip("/"),
        libraries=_libraries(programs),
        name=NAME,
        ours=MAIL_DOMAIN,
        **words,
    )
    (folder / "main.cf").write_text(main)
    (folder / "master.cf").write_text(MASTERS.format(port=made.port))
    (folder / "dynamicmaps.cf").write_text("")
    (folder / "mailboxes").write_text(f"{KNOWN} known\n")
    # a bounce of a notice would come back after its test, and into the next one
    (folder / "supporters").write_text("/^mari-/ supporters\n")
    (folder / "transport").write_text(f"{MAIL_DOMAIN} lmtp:inet:127.0.0.1:{made.returns}\n")
