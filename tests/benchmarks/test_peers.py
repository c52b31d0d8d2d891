"""Peers are set up once, run on the same promises, and believed only if the sink agrees."""

from pathlib import Path

import pytest

from app.bench import peers
from app.bench.ground import downloads, postfix, processes
from app.bench.ground.processes import CannotMeasure
from app.bench.peers import DjangoPostOffice


def test_a_peer_that_says_it_sent_more_than_arrived_is_not_believed() -> None:
    assert peers._speed('{"sent": 10, "seconds": 2.0}', 10, 10) == 5.0
    with pytest.raises(CannotMeasure, match="10 letters, 10 sent, 9 at the sink"):
        peers._speed('{"sent": 10, "seconds": 2.0}', 10, 9)


def test_a_peer_is_set_up_anew_when_other_versions_are_wanted(tmp_path: Path) -> None:
    home, wanted = tmp_path / "peer", tmp_path / "requirements.txt"
    wanted.write_text("one==1")
    assert downloads.is_new(home, [wanted])
    assert downloads.is_new(home, [wanted])  # it was begun, and not ended well
    downloads.note(home, [wanted])
    assert not downloads.is_new(home, [wanted])
    wanted.write_text("one==2")
    assert downloads.is_new(home, [wanted])


@pytest.mark.parametrize(
    ("url", "engine", "name"),
    [
        ("sqlite+aiosqlite:////somewhere/1.sqlite", "sqlite3", "/somewhere/1.sqlite"),
        ("postgresql+asyncpg://postgres@/bench_2?host=/somewhere", "postgresql", "bench_2"),
    ],
)
def test_django_is_given_a_database_of_the_same_kind(url: str, engine: str, name: str) -> None:
    said = peers._as_django_says(url)
    assert said["ENGINE"] == f"django.db.backends.{engine}"
    assert said["NAME"] == name
    assert said.get("HOST", "/somewhere") == "/somewhere"


def test_the_fastest_way_of_a_peer_is_the_one_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speeds = {(1, 5): 100.0, (1, 10): 250.0, (2, 5): 240.0, (4, 3): 200.0}
    monkeypatch.setattr(DjangoPostOffice, "_once", lambda *given: speeds[given[-1]])
    peer = DjangoPostOffice(tmp_path, "sqlite+aiosqlite:///1.sqlite")
    assert peer.speed(postfix.Postfix(tmp_path), tmp_path, 10) == 250.0
    assert peer.ways == ((1, 10),)
    assert peer.name == "django-post_office, 1 process × 10 threads"


def test_a_program_that_fails_says_why_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure, match=r"^sh: gone wrong$"):
        processes.run(["/bin/sh", "-c", "echo first >&2; echo gone wrong >&2; exit 3"])
    with pytest.raises(CannotMeasure, match="no-such-program"):
        processes.run([tmp_path / "no-such-program"])


def test_a_program_beside_a_block_ends_with_it_whatever_happens(tmp_path: Path) -> None:
    class Fault(Exception):
        pass

    with pytest.raises(Fault), processes.running(["/bin/sleep", "600"], cwd=tmp_path) as process:
        raise Fault
    assert process.returncode == -15
