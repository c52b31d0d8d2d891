"""A pack is read whole or refused with the file, the key and the reason on one line."""

from pathlib import Path
from typing import Any

import pytest
import tomli_w

from app.campaigns import packs
from app.errors import PackBroken, TemplateBroken
from tests.campaigns.small_pack import LETTER, a_pack, tables

SHIPPED = sorted((Path(__file__).parents[2] / "templates" / "letters").glob("*/"))


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_every_shipped_pack_is_whole(folder: Path) -> None:
    pack = packs.load_folder(folder)
    assert pack.alert.slug == folder.name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "alert.toml: colour: there is no such key"),
        ({"title": None}, "alert.toml: title: is missing"),
        ({"title": 7}, "title: Input should be a valid string"),
        ({"made_up": "yes"}, "made_up: Input should be a valid boolean"),
        ({"slug": "Not A Slug"}, "slug: "),
        ({"timezone": "Europe/Nowhere"}, "timezone: there is no such time zone"),
        ({"timezone": "../../etc/passwd"}, "timezone: there is no such time zone"),
        ({"kind": "poem"}, "kind: "),
        ({"default_roles": ["king"]}, "default_roles[1]: not one of prime_minister"),
        ({"default_roles": []}, "needs default_roles and countries"),
        ({"prompts": [""]}, "prompts[1]: "),
        ({"campaign.stages[0].lead": "{name} left"}, "campaign.stages[1].lead: only {country}"),
        ({"campaign.stages[1].key": "announced"}, "announced more than once in stages"),
        ({"countries[0].code": "Exampleland"}, "countries[1].code: "),
        ({"countries[0].stages[0].stage": "gone"}, "alert.toml: XA: no such stage: gone"),
        ({"countries[0].stages[0].url": "ftp://x"}, "countries[1].stages[1].url: "),
        ({"countries[1].code": "XA"}, "XA more than once in countries"),
        ({"countries[1].code": "XC"}, "countries: a letter for XB only"),
        ({"texts": [{"key": "a"}]}, "texts[1].title: is missing"),
    ],
)
def test_a_fault_is_told_with_its_key(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    a_pack(tmp_path, change)
    with pytest.raises(PackBroken) as refusal:
        packs.load_folder(tmp_path)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    a_pack(tmp_path, {"title": None, "colour": "red"})
    with pytest.raises(PackBroken, match=r"title: is missing; colour: there is no such key"):
        packs.load_folder(tmp_path)


def test_a_moment_needs_its_offset(tmp_path: Path) -> None:
    a_pack(tmp_path)
    text = (tmp_path / "alert.toml").read_text().replace("+01:00", "")
    (tmp_path / "alert.toml").write_text(text)
    with pytest.raises(PackBroken, match="opens_at"):
        packs.load_folder(tmp_path)


def test_an_alert_closes_after_it_opens(tmp_path: Path) -> None:
    a_pack(tmp_path, {"closes_at": tables()["opens_at"]})
    with pytest.raises(PackBroken, match="closes_at is not after opens_at"):
        packs.load_folder(tmp_path)


def test_what_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    a_pack(tmp_path)
    (tmp_path / "alert.toml").write_text('slug = "a"\ntitle = \n')
    with pytest.raises(PackBroken, match="line 2"):
        packs.load_folder(tmp_path)


def test_a_folder_without_an_alert_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackBroken, match=r"alert\.toml: No such file"):
        packs.load_folder(tmp_path)


def test_every_country_needs_a_letter(tmp_path: Path) -> None:
    a_pack(tmp_path)
    (tmp_path / "XB.en.txt").unlink()
    with pytest.raises(PackBroken, match="countries: no letter for XB"):
        packs.load_folder(tmp_path)


@pytest.mark.parametrize("name", ["xa.en.txt", "XA.txt", "notes.txt", "XA.english.txt"])
def test_a_letter_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    a_pack(tmp_path)
    (tmp_path / name).write_text(LETTER)
    with pytest.raises(PackBroken, match="a letter is named"):
        packs.load_folder(tmp_path)


def test_a_letter_asks_something_at_every_stage(tmp_path: Path) -> None:
    a_pack(tmp_path)
    without = LETTER.replace('voted = "- do not leave."', "")
    (tmp_path / "XA.en.txt").write_text(without)
    with pytest.raises(PackBroken, match=r"XA\.en\.txt: no ask for the stage voted"):
        packs.load_folder(tmp_path)


def test_a_letter_knows_no_other_stages(tmp_path: Path) -> None:
    a_pack(tmp_path)
    strange = LETTER.replace("[asks]", '[asks]\ngone = "- come back."')
    (tmp_path / "XA.en.txt").write_text(strange)
    with pytest.raises(PackBroken, match=r"XA\.en\.txt: no such stage: gone"):
        packs.load_folder(tmp_path)


def test_a_letter_that_would_not_render_is_refused_with_its_line(tmp_path: Path) -> None:
    a_pack(tmp_path)
    (tmp_path / "XA.en.txt").write_text(LETTER + "{{ 'a' * 100000000 }}\n")
    with pytest.raises(TemplateBroken, match=r"XA\.en\.txt, line \d+"):
        packs.load_folder(tmp_path)


def test_a_guide_has_texts_and_no_letters(tmp_path: Path) -> None:
    guide = {"kind": "guide", "prompts": None, "default_roles": None, "countries": None}
    text = {"key": "a", "title": "T", "use": "U", "audience": "media", "text": "Words."}
    a_pack(tmp_path, guide | {"texts": [text]})
    with pytest.raises(PackBroken, match="a guide has no letters"):
        packs.load_folder(tmp_path)
    for letter in tmp_path.glob("*.txt"):
        letter.unlink()
    assert packs.load_folder(tmp_path).alert.texts[0].audience == "media"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    a_pack(tmp_path / "one", {"body": 'A "quoted" body\\,\n\n"""three""" and a tab\t.\n'})
    pack = packs.load_folder(tmp_path / "one")
    packs.write_folder(pack, tmp_path / "two")
    assert packs.load_folder(tmp_path / "two") == pack
    packs.write_folder(pack, tmp_path / "two")


def test_a_strange_letter_in_the_folder_is_not_written_beside(tmp_path: Path) -> None:
    a_pack(tmp_path / "one")
    pack = packs.load_folder(tmp_path / "one")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "XC.en.txt").write_text(LETTER)
    with pytest.raises(PackBroken, match=r"XC\.en\.txt is not part of this alert"):
        packs.write_folder(pack, tmp_path / "two")
    assert not (tmp_path / "two" / "alert.toml").exists()


def test_the_ground_itself_is_plain_toml(tmp_path: Path) -> None:
    assert tomli_w.dumps(tables()).startswith('slug = "riverbank"')
