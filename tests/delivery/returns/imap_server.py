"""A small IMAP server on this machine: as much of RFC 3501 as a poller of one mailbox needs."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')


@dataclass
class ImapServer:
    """One mailbox; the test puts messages in and looks what became of them."""

    port: int = 0
    messages: dict[int, bytes] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    taken: list[int] = field(default_factory=list)  # moved to the folder “Taken”
    has_taken: bool = False
    logins: list[tuple[str, str]] = field(default_factory=list)
    selected: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"imap://returns:se%20cret@127.0.0.1:{self.port}/INBOX"

    def put(self, raw: bytes) -> int:
        number = len(self.messages) + len(self.taken) + 1
        self.messages[number] = raw
        return number


class _Dialogue(StreamRequestHandler):
    box: ImapServer

    def handle(self) -> None:
        self.say("* OK [CAPABILITY IMAP4rev1 MOVE] ready")
        for line in self.rfile:
            tag, command, *rest = line.decode().strip().split(" ", 2)
            words = [quoted or bare for quoted, bare in WORD.findall(rest[0] if rest else "")]
            if command.upper() == "UID":
                command, words = words[0], words[1:]
            answer = getattr(self, f"on_{command.lower()}", None)
            said = answer(words) if answer else "BAD what?"
            self.say(f"{tag} {said or 'OK done'}")
            if command.upper() == "LOGOUT":
                return

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def on_capability(self, words: list[str]) -> None:
        self.say("* CAPABILITY IMAP4rev1 MOVE")

    def on_login(self, words: list[str]) -> str | None:
        self.box.logins.append((words[0], words[1]))
        return None if words[1] == "se cret" else "NO [AUTHENTICATIONFAILED] no"

    def on_select(self, words: list[str]) -> str:
        self.box.selected.append(words[0])
        self.say(f"* {len(self.box.messages)} EXISTS")
        self.say("* OK [UIDVALIDITY 1] fine")
        return "OK [READ-WRITE] selected"

    def on_list(self, words: list[str]) -> None:
        if self.box.has_taken:
            self.say('* LIST () "/" Taken')

    def on_search(self, words: list[str]) -> None:
        unseen = sorted(self.box.messages.keys() - self.box.seen)
        self.say(" ".join(["* SEARCH", *map(str, unseen)]))

    def on_fetch(self, words: list[str]) -> None:
        number = int(words[0])
        raw = self.box.messages[number]
        if "RFC822.SIZE" in words[1]:
            self.say(f"* 1 FETCH (UID {number} RFC822.SIZE {len(raw)})")
            return
        head = f"* 1 FETCH (UID {number} BODY[] {{{len(raw)}}}\r\n"
        self.wfile.write(head.encode() + raw + b")\r\n")

    def on_store(self, words: list[str]) -> None:
        self.box.seen.add(int(words[0]))

    def on_move(self, words: list[str]) -> None:
        self.box.taken.append(int(words[0]))
        del self.box.messages[int(words[0])]

    def on_logout(self, words: list[str]) -> None:
        self.say("* BYE")


@contextmanager
def running() -> Iterator[ImapServer]:
    box = ImapServer()
    dialogue = type("Dialogue", (_Dialogue,), {"box": box})
    with ThreadingTCPServer(("127.0.0.1", 0), dialogue) as server:
        server.daemon_threads = True
        box.port = server.server_address[1]
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield box
        finally:
            server.shutdown()
