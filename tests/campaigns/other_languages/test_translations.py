"""What an alert says in other languages: as files, as rows, and in the reader's language."""

from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app import languages
from app.campaigns import alerts, packs
from app.campaigns.other_languages import rows, texts
from app.campaigns.pack_folder import files_of, load_files
from app.campaigns.zips import reading, taking, writing
from app.campaigns.zips.reading import Bundle
from app.db import Database
from app.errors import PackBroken
from app.models import Alert, AlertTranslation
from app.wording.language import translated
from tests.campaigns.small_pack import a_pack
from tests.grounds.alerts import MINE_BAN

ROOT = Path(__file__).parents[3] / "templates" / "letters"
OTHERS = [one for one in languages.LANGUAGES if one != languages.SOURCE]
ESTONIAN: dict[str, Any] = {
    "reviewed": True,
    "note": "By Mari.",
    "title": "Hoidkem jõekalda lepingut",
    "prompts": ["Miks see teile korda läheb?"],
    "resource_notes": ["Lugege."],
    "campaign": {"stages": {"voted": {"label": "Hääletatud", "lead": "{country} ({date})"}}},
    "countries": {"XB": {"record": "Hea.", "stages": {"announced": "Öeldi."}}},
    "share": [{"channel": "short", "text": "Vaadake {url}"}],
}


@pytest.fixture
def database_kind() -> str:
    """JSON comes out as it went in on both: what organisers do with it is tested on both."""
    return "sqlite"


def with_estonian(folder: Path, **changes: Any) -> Path:
    a_pack(folder)
    tables = {key: value for key, value in (ESTONIAN | changes).items() if value is not None}
    (folder / "alert.et.toml").write_text(tomli_w.dumps(tables))
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(PackBroken) as refused:
        packs.load_folder(folder)
    assert "\n" not in str(refused.value)
    return str(refused.value).removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reviewed": None}, "alert.et.toml: reviewed: is missing"),
        ({"colour": "red"}, "alert.et.toml: colour: there is no such key"),
        ({"title": 7}, "title: Input should be a valid string"),
        ({"title": "x" * 201}, "title: String should have at most 200"),
        ({"countries": {"XX": {"record": "R", "name": "N"}}}, "countries.XX: alert.toml has no"),
        ({"countries": {"XA": {"colour": "R"}}}, "countries.XA.colour: there is no such key"),
        ({"countries": {"XA": {"stages": {"gone": "R"}}}}, "countries.XA.stages.gone: alert.toml"),
        ({"campaign": {"stages": {"gone": {"label": "L"}}}}, "campaign.stages.gone: alert.toml"),
        ({"campaign": {"stages": {"voted": {"lead": "{name}"}}}}, "only {country} and {date}"),
        ({"campaign": {"stages": {"voted": {"lead": "{"}}}}, "campaign.stages.voted.lead: "),
        ({"texts": {"a": {"title": "T"}}}, "texts: alert.toml has no such text"),
        ({"prompts": ["one", "two"]}, "prompts: there are 2, but 1 in alert.toml"),
        ({"resource_notes": ["one", "two"]}, "resource_notes: there are 2, but 1"),
        ({"share": [{"channel": "long", "text": "{url}"}]}, "share: alert.toml has short"),
        ({"share": [{"channel": "short", "text": "Vaadake"}]}, "share.1: {url} is missing"),
        ({"begun": {"prompts.2": "x"}}, "prompts.2: alert.toml has no such text"),
    ],
)
def test_a_fault_is_told_with_its_file_and_place(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    told = refusal(with_estonian(tmp_path, **change))
    assert told.startswith("alert.et.toml: ")
    assert said in told


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("alert.english.toml", "a translation is named alert.<language>.toml"),
        ("alert.en.toml", "the English texts stand in alert.toml"),
        ("alert.ET.toml", "a translation is named"),
    ],
)
def test_a_translation_is_known_by_its_name(tmp_path: Path, name: str, said: str) -> None:
    a_pack(tmp_path)
    (tmp_path / name).write_text("reviewed = false\n")
    assert said in refusal(tmp_path)


def test_a_strange_translation_in_the_folder_is_not_written_beside(tmp_path: Path) -> None:
    pack = packs.load_folder(with_estonian(tmp_path / "one"))
    packs.write_folder(pack, tmp_path / "two")
    packs.write_folder(pack, tmp_path / "two")
    (tmp_path / "two" / "alert.fi.toml").write_text("reviewed = false\n")
    with pytest.raises(PackBroken, match=r"alert\.fi\.toml is not part of this alert"):
        packs.write_folder(pack, tmp_path / "two")


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("slug", [MINE_BAN, "urgent-action-request", "example"])
def test_every_shipped_alert_is_translated_whole(slug: str, language: str) -> None:
    pack = packs.load_folder(ROOT / slug)
    file = next(one.file for one in pack.translations if one.language == language)
    known = texts.english(pack.alert.model_dump())
    assert texts.missing(texts.flat(file.model_dump()), known) == []


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.usefixtures("furnished")
async def test_the_first_alert_is_read_in_the_readers_language(
    database: Database, language: str
) -> None:
    async with database.reading() as session:
        alert = await alerts.by_slug(session, MINE_BAN)
        words = translated.words(alert, language)
        country = alert.countries[1]
        read = [
            *(words.title, words.summary, words.body, words.campaign_title),
            *(*words.prompts, *words.resource_notes, *(text for _, text in words.share)),
            *(words.record(country), words.postal_address(country), words.reply_note(country)),
            *(words.stage("in_effect", part) for part in ("label", "meaning", "lead")),
        ]
    assert {text.language for text in read} == {language}
    assert words.title != alert.title


async def _put(database: Database, folder: Path) -> Alert:
    async with database.transaction() as session:
        return await packs.put(session, packs.load_folder(folder), organisation_id=1)


async def test_a_translation_comes_out_as_it_went_in_and_is_forgotten_with_its_file(
    database: Database, tmp_path: Path
) -> None:
    folder = with_estonian(tmp_path)
    pack = packs.load_folder(folder)
    for _ in range(2):
        await _put(database, folder)
    async with database.reading() as session:
        out = await packs.take_out(session, "riverbank")
        assert (out.translations, files_of(out)) == (pack.translations, files_of(pack))
        alert = await alerts.by_slug(session, "riverbank")
        words = translated.words(alert, "et")
        assert (words.title, words.summary.language) == ("Hoidkem jõekalda lepingut", "en")
        assert words.record(alert.countries[1]) == "Hea."
    (folder / "alert.et.toml").unlink()
    await _put(database, folder)
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(AlertTranslation)) == 0


async def test_the_stages_that_another_pack_holds_can_be_translated_too(
    database: Database, tmp_path: Path
) -> None:
    await _put(database, a_pack(tmp_path / "first"))
    changes = {"slug": "second", "campaign.stages": None, "countries[0].stages": None}
    second = a_pack(tmp_path / "second", changes | {"countries[1].stages": None})
    (second / "alert.et.toml").write_text(tomli_w.dumps(ESTONIAN))
    alert = await _put(database, second)
    assert translated.words(alert, "et").content["campaign"] == ESTONIAN["campaign"]
    strange = ESTONIAN | {"campaign": {"stages": {"gone": {"label": "L"}}}}
    (second / "alert.et.toml").write_text(tomli_w.dumps(strange))
    with pytest.raises(PackBroken, match=r"alert\.et\.toml: campaign\.stages\.gone"):
        await _put(database, second)


async def test_a_pack_with_a_new_language_changes_only_the_draft(
    database: Database, tmp_path: Path
) -> None:
    await _put(database, a_pack(tmp_path / "one"))
    data = writing.write(Bundle(packs.load_folder(with_estonian(tmp_path / "two"))))
    bundle = reading.read(data)
    async with database.transaction() as session:
        found = await taking.plan(session, bundle, 1)
        hows = {one.name: one.how for one in found.parts if one.how != "same"}
        assert hows == {"translation.et": "new"}
        done = await taking.take(session, bundle, 1, seal=found.seal, by="mari@example.org")
        assert done.alert.translations == []
        again = await taking.plan(session, bundle, 1)
        assert {one.how for one in again.parts} == {"same"}
        without = Bundle(packs.load_folder(tmp_path / "one"))
        assert {one.how for one in (await taking.plan(session, without, 1)).parts} == {
            *("same", "gone")
        }


# ── whatever is typed ──

WORDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), min_size=1, max_size=60
)
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=60)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> packs.Pack:
    return packs.load_folder(a_pack(tmp_path_factory.mktemp("small")))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_translation_comes_back_word_for_word(small: packs.Pack, data: st.DataObject) -> None:
    """Through a row, a file and a row again; half lists and old English among them."""
    tables = small.alert.model_dump()
    known = texts.english(tables)
    places = data.draw(st.lists(st.sampled_from(sorted(known)), unique=True))
    told, made_from = {}, {}
    for place in places:
        told[place] = data.draw(LINES if place.endswith(("title", "label", "name")) else WORDS)
        if place.endswith("lead"):
            told[place] = "{country} {date}"
        if "{url}" in known[place]:
            told[place] += "{url}"
        made_from[place] = texts.seal(data.draw(st.sampled_from([known[place], "older"])))
    made = rows.translation(
        "et",
        reviewed=data.draw(st.booleans()),
        note=data.draw(st.text(max_size=0) | WORDS),
        told=told,
        made_from=made_from,
        tables=tables,
    )
    pack = packs.Pack(small.alert, small.letters, (made,))
    again = load_files(files_of(pack))
    assert again == pack
    content = rows.content_of(again.translations[0].file, known)
    assert texts.flat(content) == told
    assert texts.changed(told, content["of"], known) == texts.changed(told, made_from, known)
    row = AlertTranslation(language="et", reviewed=made.file.reviewed, content=content)
    assert rows.of_row(row, tables) == made


def test_half_a_list_is_kept_and_not_shown(small: packs.Pack) -> None:
    tables = small.alert.model_dump() | {"prompts": ["One?", "Two?"]}
    content = texts.nested({"prompts.2": "Kaks?", "title": "Pealkiri"}, tables)
    assert content == {"title": "Pealkiri", "begun": {"prompts.2": "Kaks?"}}
    assert texts.flat(content) == {"title": "Pealkiri", "prompts.2": "Kaks?"}


def test_a_text_whose_english_changed_is_told_apart_from_one_that_is_missing(
    small: packs.Pack,
) -> None:
    known = texts.english(small.alert.model_dump())
    told = {"title": "Pealkiri", "summary": "Kokkuvõte"}
    of = {"title": texts.seal("An older title"), "summary": texts.seal(known["summary"])}
    assert texts.changed(told, of, known) == ["title"]
    missing = texts.missing(told, known)
    assert "title" not in missing
    assert "body" in missing
    assert "countries.XA.name" in missing  # a made-up country has no name in any language
    estonia = {"countries.EE.name": "Estonia"}
    assert texts.missing({}, estonia) == []


def test_how_supporters_send_is_part_of_the_file(tmp_path: Path) -> None:
    given_ = {"own_mailbox": "preferred", "editable": True, "refused_words": ["moron*"]}
    roles = {
        "countries[0].postal_address": "Asked.",
        "countries[0].postal_address_roles": ["speaker"],
    }
    pack = packs.load_folder(a_pack(tmp_path / "one", given_ | roles))
    assert (pack.alert.own_mailbox, pack.alert.refused_words) == ("preferred", ["moron*"])
    packs.write_folder(pack, tmp_path / "two")
    assert packs.load_folder(tmp_path / "two") == pack
    for change, said in (
        ({"own_mailbox": "never"}, "own_mailbox: Input should be 'offered'"),
        ({"refused_words": ["Moron", "moron"]}, "moron more than once in refused_words"),
        ({"countries[0].language_note_roles": ["speaker"]}, "language_note_roles without language"),
        ({"countries[0].postal_address_roles": ["king"]}, "countries[1].postal_address_roles[1]"),
    ):
        assert said in refusal(a_pack(tmp_path / "three", change))


async def test_a_put_keeps_how_supporters_send(database: Database, tmp_path: Path) -> None:
    changes = {"editable": True, "own_mailbox": "only", "countries[0].language_note": "Note."}
    changes |= {"countries[0].language_note_roles": ["president"]}
    pack = packs.load_folder(a_pack(tmp_path, changes))
    async with database.transaction() as session:
        alert = await packs.put(session, pack, organisation_id=1)
        assert (alert.editable, alert.own_mailbox, alert.refused_words) == (True, "only", [])
        assert (await packs.take_out(session, "riverbank")).alert == pack.alert
