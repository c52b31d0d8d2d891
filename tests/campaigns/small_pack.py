"""A small made-up pack, whole, with changes by the path of a key."""

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import tomli_w

LETTER = """+++
reviewed = true

[salutations]
prime_minister = "Dear Prime Minister,"
defence = "Dear Minister,"
foreign = "Dear Minister,"
president = "Dear President,"
speaker = "Dear Speaker,"
committee = "Dear Chair,"

[[subjects]]
text = "Please stay"

[[openings]]
text = "I write because I care."

[[closings]]
text = "Thank you."

[asks]
announced = "- stay."
voted = "- do not leave."
+++
{{ salutation }}

{{ opening }}

{{ ask }}

{{ closing }}

{{ name }}
"""


def tables() -> dict[str, Any]:
    """The alert's file as TOML reads it."""
    stages = [
        {"key": key, "label": key.title(), "meaning": "It is said.", "lead": "{country}: {date}"}
        for key in ("announced", "voted")
    ]
    step = {"stage": "announced", "on": date(2026, 1, 2), "what": "Said.", "source": "A paper"}
    countries = [
        {
            "code": code,
            "name": name,
            "added_on": date(2026, 1, 3),
            "record": "A good one.",
            "stages": [dict(step)],
        }
        for code, name in (("XA", "Exampleland"), ("XB", "Samplonia"))
    ]
    return {
        "slug": "riverbank",
        "kind": "letters",
        "title": "Keep the Riverbank Treaty",
        "summary": "A made-up alert.",
        "timezone": "Europe/Brussels",
        "opens_at": datetime.fromisoformat("2026-01-03T00:00:00+01:00"),
        "made_up": True,
        "body": "Some *words*.",
        "prompts": ["Why do you care?"],
        "default_roles": ["prime_minister"],
        "campaign": {"slug": "rivers", "title": "Rivers", "aim": "Open.", "stages": stages},
        "countries": countries,
        "resources": [
            {"title": "A book", "publisher": "A press", "on": date(2026, 1, 1), "note": "Read it."}
        ],
        "share": [{"channel": "short", "text": "See {url}"}],
    }


def a_pack(folder: Path, changes: dict[str, Any] | None = None, letter: str = LETTER) -> Path:
    """Write it; `changes`: `countries[0].code` → value, None takes the key away."""
    found = tables()
    for path, value in (changes or {}).items():
        _change(found, path, value)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "alert.toml").write_text(tomli_w.dumps(found, multiline_strings=True))
    for code in ("XA", "XB"):
        (folder / f"{code}.en.txt").write_text(letter)
    return folder


def _change(found: Any, path: str, value: Any) -> None:
    *steps, last = [int(n) if n else word for word, n in re.findall(r"([a-z_]+)|\[(\d+)\]", path)]
    for step in steps:
        found = found[step]
    if value is None:
        del found[last]
    else:
        found[last] = value
