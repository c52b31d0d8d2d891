"""A zip from anywhere is a pack, or a clear sentence; a pack is always the same zip."""

import random
import stat
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.campaigns import packs
from app.campaigns.zips import reading, writing
from app.campaigns.zips.reading import Bundle
from app.contacts.files.rows import row_of
from app.errors import PackBroken, TemplateBroken
from tests.campaigns.small_pack import LETTER, a_pack

ROOT = Path(__file__).parents[2] / "templates" / "letters"
SHIPPED = sorted(path.name for path in ROOT.glob("*/"))
ROW = {
    "country": "XA",
    "office": "Prime Minister",
    "role": "prime_minister",
    "institution": "Government",
    "institution_local": "",
    "email": "office@example.org",
    "languages": "en",
    "evidence": "test",
    "source_url": "https://example.org/",
    "checked_on": "",
}
Entry = tuple[str | zipfile.ZipInfo, bytes]


@pytest.fixture
def small(tmp_path: Path) -> dict[str, bytes]:
    """The files of the small pack."""
    folder = a_pack(tmp_path / "small")
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def zipped(*entries: Entry, kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", kind) as opened:
        for name, octets in entries:
            opened.writestr(name, octets)
    return out.getvalue()


def with_small(small: dict[str, bytes], *more: Entry, **options: Any) -> bytes:
    return zipped(*small.items(), *more, **options)


def refusal(data: bytes) -> str:
    with pytest.raises(PackBroken) as refused:
        reading.read(data, "their.zip")
    said = str(refused.value)
    assert "\n" not in said
    return said


def entry(name: str, **changes: Any) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.compress_type = zipfile.ZIP_DEFLATED
    for key, value in changes.items():
        setattr(made, key, value)
    return made


@pytest.mark.parametrize("slug", SHIPPED)
def test_every_shipped_pack_goes_through_a_zip_and_comes_back(slug: str) -> None:
    bundle = Bundle(packs.load_folder(ROOT / slug))
    data = writing.write(bundle)
    assert reading.read(data) == bundle
    assert writing.write(reading.read(data)) == data


def test_a_zip_holds_plain_files_a_partner_can_read(small: dict[str, bytes]) -> None:
    pack = reading.read(with_small(small)).pack
    data = writing.write(Bundle(pack, {"XA": (row_of(ROW),)}))
    with zipfile.ZipFile(BytesIO(data)) as opened:
        names = opened.namelist()
        assert names == ["README.txt", "alert.toml", "XA.en.txt", "XB.en.txt", "contacts/XA.csv"]
        assert "alerts load riverbank.zip" in opened.read("README.txt").decode()
        assert b"office@example.org" in opened.read("contacts/XA.csv")
        assert {one.date_time for one in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert reading.read(data).contacts["XA"][0].email == "office@example.org"


def test_a_folder_that_somebody_zipped_on_a_desktop_is_taken(small: dict[str, bytes]) -> None:
    inside: list[Entry] = [("riverbank/", b"")]
    inside += [(f"riverbank/{name}", octets) for name, octets in small.items()]
    inside += [("__MACOSX/riverbank/._alert.toml", b"\x00\x05"), ("riverbank/.DS_Store", b"\x00")]
    assert reading.read(zipped(*inside)).pack.alert.slug == "riverbank"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../alert.txt", "points out of the folder"),
        ("/etc/passwd", "points out of the folder"),
        ("a/../../b.txt", "points out of the folder"),
        ("..\\windows.txt", "points out of the folder"),
        ("C:\\autoexec.bat", "points out of the folder"),
        ("notes.md", "notes.md is no part of a pack"),
        ("letters/EE.et.txt", "is no part of a pack"),
        ("contacts/EE/x.csv", "is no part of a pack"),
        ("more.zip", "a zip within the zip is not unpacked"),
        ("alert.toml", "alert.toml is in it twice"),
        ("xa.EN.txt", "twice"),
        ("lätt.txt", "plain letters and digits"),
        ("XA.en\n.txt", "plain letters and digits"),
        ("XZ.en.txt", "a letter for XZ only"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_does_not_belong_is_refused(
    small: dict[str, bytes], name: str, said: str
) -> None:
    assert said in refusal(with_small(small, (name, LETTER.encode())))


def test_a_link_in_a_zip_is_refused(small: dict[str, bytes]) -> None:
    link = entry("XA.de.txt", create_system=3, external_attr=(stat.S_IFLNK | 0o777) << 16)
    assert "XA.de.txt is a link" in refusal(with_small(small, (link, b"/etc/passwd")))
    pipe = entry("XA.de.txt", create_system=3, external_attr=(stat.S_IFIFO | 0o777) << 16)
    assert "not a plain file" in refusal(with_small(small, (pipe, b"")))


def test_too_many_files_are_refused_before_they_are_read() -> None:
    for n in (201, 5_000):
        data = zipped(*((f"X{number}", b"") for number in range(n)), kind=zipfile.ZIP_STORED)
        began = time.monotonic()
        said = refusal(data)
        assert f"{n} files are in it; a pack has at most 200" in said or "larger than" in said
        assert time.monotonic() - began < 5


def test_a_bomb_is_given_up_while_it_unpacks(small: dict[str, bytes]) -> None:
    bomb = with_small(small, ("XA.de.txt", b"\x00" * 20_000_000))
    assert len(bomb) < 100_000
    assert "XA.de.txt unpacks to far more than a pack holds" in refusal(bomb)


def test_what_a_zip_says_of_its_sizes_is_not_believed(small: dict[str, bytes]) -> None:
    data = bytearray(with_small(small, ("XA.de.txt", b" " * 3_000_000)))
    there = data.rindex(reading.ENTRY)
    data[there + 24 : there + 28] = (10).to_bytes(4, "little")  # its size, as the directory has it
    assert "damaged" in refusal(bytes(data)) or "far more" in refusal(bytes(data))


def test_many_large_files_together_are_too_much(small: dict[str, bytes]) -> None:
    hexes = random.Random(1).randbytes(450_000).hex().encode()
    letters = [(f"XA.a{one}.txt", hexes) for one in "abcdef"]
    assert "unpacks to far more than a pack holds" in refusal(with_small(small, *letters))


def test_a_locked_zip_is_refused(small: dict[str, bytes]) -> None:
    data = bytearray(with_small(small))
    there = data.index(reading.ENTRY)
    data[there + 8] |= 1
    assert "locked with a password" in refusal(bytes(data))


def test_other_ways_of_packing_are_refused(small: dict[str, bytes]) -> None:
    assert "packed in a way" in refusal(with_small(small, kind=zipfile.ZIP_LZMA))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a zip file"),
        (b"<html>", "not a zip file"),
        (b"PK\x03\x04 and no more", "damaged"),
        (b"\x00" * 6_000_000, "larger than 5 MB"),
    ],
    ids=["nothing", "a page", "half", "large"],
)
def test_what_is_no_zip_is_refused(data: bytes, said: str) -> None:
    assert said in refusal(data)


def test_a_zip_without_an_alert_is_refused() -> None:
    assert "alert.toml is missing" in refusal(zipped(("README.txt", b"Hello")))


def test_a_zip_in_a_letters_clothes_is_refused(small: dict[str, bytes]) -> None:
    inner = zipped(("a", b"b"))
    assert "a zip within the zip" in refusal(with_small(small, ("XA.de.txt", inner)))


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"country,office,role,email\nXA,A Minister,defence,nowhere\n", "contacts/XA.csv, line 2"),
        (b"", "contacts/XA.csv"),
        (b"\xff\x00\xff", "contacts/XA.csv"),
    ],
)
def test_addresses_that_cannot_be_taken_are_told_with_their_line(
    small: dict[str, bytes], octets: bytes, said: str
) -> None:
    assert said in refusal(with_small(small, ("contacts/XA.csv", octets)))


def test_addresses_of_another_country_do_not_come_along(small: dict[str, bytes]) -> None:
    other = writing.as_csv([row_of(ROW | {"country": "XC"})])
    assert "an office of XC" in refusal(with_small(small, ("contacts/XA.csv", other)))
    assert "contacts of XC" in refusal(with_small(small, ("contacts/XC.csv", other)))


def test_deep_lists_are_told_and_end_nothing(small: dict[str, bytes]) -> None:
    deep = b"title = " + b"[" * 100_000
    assert "alert.toml" in refusal(with_small(small | {"alert.toml": deep}))


@pytest.fixture
def whole(small: dict[str, bytes]) -> bytes:
    return writing.write(reading.read(with_small(small)))


Change = Callable[[bytearray], None]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1, exclude_max=True), octet=st.integers(0, 255), cut=st.booleans())
@example(at=0.0, octet=0, cut=True)
def test_a_zip_that_was_tampered_with_is_read_or_refused_and_nothing_else(
    whole: bytes, at: float, octet: int, cut: bool
) -> None:
    data = bytearray(whole)
    place = int(at * len(data))
    if cut:
        del data[place:]
    else:
        # the directory stands at the end: every second change falls there
        data[place if octet % 2 else -1 - place % 300] = octet
    try:
        found = reading.read(bytes(data))
    except (PackBroken, TemplateBroken):
        return
    assert found.pack.alert.campaign.slug


PLAIN = st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r")
WORDS = st.text(PLAIN, min_size=1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=WORDS, prompts=st.lists(WORDS, max_size=3), record=st.text(PLAIN), own=WORDS)
@example(body="\"\"\"\\\n'''", prompts=["\x7f\x1b"], record="\t", own="\u2028")
def test_whatever_stands_in_an_alert_comes_back_word_for_word(
    whole: bytes, body: str, prompts: list[str], record: str, own: str
) -> None:
    pack = reading.read(whole).pack
    country = pack.alert.countries[0].model_copy(update={"record": record})
    changes = {"body": body, "prompts": prompts, "summary": own, "countries": [country]}
    made = packs.Pack(pack.alert.model_copy(update=changes), (pack.letters[0],))
    data = writing.write(Bundle(made))
    again = reading.read(data)
    assert again.pack == made
    assert writing.write(again) == data
