"""The house keeps its shape: sizes, names, one writer of a status, one reader of the time."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from app.settings import Settings

ROOT = Path(__file__).parent.parent
CODE = sorted(path for part in ("app", "tests") for path in (ROOT / part).rglob("*.py"))
APP = [path for path in CODE if path.is_relative_to(ROOT / "app")]

LETTERS = ROOT / "templates" / "letters"  # written by organisers, and looked up by nobody

FILE_LINES = 400
FUNCTION_LINES = 40
FILES_IN_A_FOLDER = 9
SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "base", "manager", "service"}
SAY_NOTHING |= {"handler", "handlers", "misc", "core"}
# a tenant is an organisation, a petition an alert, a blacklist our suppressions
OTHER_WORDS = {"tenant", "petition", "blacklist", "whitelist", "throttling"}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def committed() -> list[Path]:
    """What a commit of this folder would hold; without git, every file but what a run leaves."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        left = {"var", "__pycache__"}
        found = (path for path in ROOT.rglob("*") if path.is_file())
        return [
            path
            for path in found
            if not any(p.startswith(".") or p in left for p in path.relative_to(ROOT).parts[:-1])
        ]
    return [ROOT / line for line in listed.split("\0") if line and (ROOT / line).is_file()]


def test_no_file_outgrows_one_sitting() -> None:
    lengths = {name(path): len(path.read_text("utf-8").splitlines()) for path in CODE}
    assert {n: lines for n, lines in lengths.items() if lines > FILE_LINES} == {}


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """All below a node; expressions, which are most of a file, hold none."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield child
            yield from statements(child)


def test_no_function_outgrows_one_look() -> None:
    long = {
        f"{name(path)}:{node.lineno} {node.name}": lines
        for path in CODE
        for node in statements(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    }
    assert long == {}


def test_no_folder_holds_more_than_nine_files() -> None:
    """The tops of app/ and tests/ are the table of contents and excepted."""
    folders: dict[str, int] = {}
    for path in CODE:
        if path.name != "__init__.py" and path.parent.parent != ROOT:
            folders[name(path.parent)] = folders.get(name(path.parent), 0) + 1
    assert {folder: n for folder, n in folders.items() if n > FILES_IN_A_FOLDER} == {}


def test_every_name_says_something() -> None:
    parts = {part for path in CODE for part in path.relative_to(ROOT).with_suffix("").parts}
    assert parts & SAY_NOTHING == set()


def names_in(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name


def test_one_thing_has_one_word() -> None:
    found = [
        f"{name(path)}:{line} {identifier}"
        for path in APP
        for line, identifier in names_in(path)
        if OTHER_WORDS & set(re.sub(r"(?<!^)(?=[A-Z])", "_", identifier).lower().split("_"))
    ]
    assert found == []


def test_no_page_and_no_notice_says_delivered() -> None:
    """A server took it: nobody knows that anybody read it."""
    texts = [
        path for part in ("pages", "notices") for path in (ROOT / "templates" / part).rglob("*")
    ]
    said = [
        name(path)
        for path in texts
        if path.is_file() and re.search(r"\bdelivered\b", path.read_text("utf-8"), re.IGNORECASE)
    ]
    assert said == []


def test_only_sentences_that_stand_in_a_template_are_looked_up_and_filled() -> None:
    """What is looked up is filled too: a “%” in what somebody typed would end the page."""
    reading = Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    found = []
    for path in (ROOT / "templates").rglob("*"):
        if path.suffix not in {".html", ".txt"} or path.is_relative_to(LETTERS):
            continue
        for call in reading.parse(path.read_text("utf-8")).find_all(nodes.Call):
            looked_up = {"_": 1, "gettext": 1, "ngettext": 2}
            of = looked_up.get(call.node.name, 0) if isinstance(call.node, nodes.Name) else 0
            if not all(isinstance(one, nodes.Const) for one in call.args[:of]):
                found.append(f"{name(path)}:{call.lineno}")
    assert found == []


def test_nothing_is_left_for_later() -> None:
    # to catch a library's NotImplementedError is another matter
    later = re.compile(r"\b(TODO|FIXME|HACK)\b|raise NotImplementedError")
    assert [name(path) for path in APP if later.search(path.read_text("utf-8"))] == []


def test_every_setting_is_in_the_readme_and_no_other() -> None:
    said = set(
        re.findall(r"\bONE_EMAIL_([A-Z0-9_]*[A-Z0-9])", (ROOT / "README.md").read_text("utf-8"))
    )
    assert said == {field.upper() for field in Settings.model_fields}


def test_only_the_clock_reads_the_time() -> None:
    reading = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns))\(")
    readers = {name(path) for path in APP if reading.search(path.read_text("utf-8"))}
    assert readers == {"app/clock.py"}


def changed_by(call: ast.Call) -> str:
    """The table of an `update(Table).where(…).values(…)`, read from its end; else nothing."""
    inner: ast.expr = call
    while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
        inner = inner.func.value
    if not isinstance(inner, ast.Call) or not isinstance(inner.func, ast.Name) or not inner.args:
        return ""
    table = inner.args[0]
    if inner.func.id not in {"update", "insert"} or not isinstance(table, ast.Name):
        return ""
    return table.id


def writes_a_status(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return any(isinstance(to, ast.Attribute) and to.attr == "status" for to in node.targets)
    if not isinstance(node, ast.Call) or "status" not in {word.arg for word in node.keywords}:
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id == "Letter"
    return (
        isinstance(node.func, ast.Attribute)
        and node.func.attr == "values"
        and changed_by(node) == "Letter"
    )


def test_one_writer_moves_a_letter_from_status_to_status() -> None:
    writers = {name(path) for path in APP if any(map(writes_a_status, ast.walk(tree(path))))}
    assert writers == {"app/outbox/queue.py"}


@pytest.mark.parametrize(
    ("code", "writes"),
    [
        ("letter.status = SENT", True),
        ("Letter(status=HELD)", True),
        ("update(Letter).where(Letter.id == 1).values(status=QUEUED).returning(Letter.id)", True),
        ("update(Notice).values(status=QUEUED)", False),
        ("update(Letter).values(worker='')", False),
        ("render(page, status=404)", False),
    ],
)
def test_the_watch_on_the_status_sees_what_it_should(code: str, writes: bool) -> None:
    assert any(map(writes_a_status, ast.walk(ast.parse(code)))) is writes


def test_reporting_only_reads() -> None:
    writing = re.compile(
        r"\b(insert|update|delete|add_up|insert_for)\(|session\.(add|delete|merge)"
    )
    reporting = (ROOT / "app" / "reporting").rglob("*.py")
    assert [name(path) for path in reporting if writing.search(path.read_text("utf-8"))] == []


def test_only_the_doors_commit() -> None:
    """Web, the worker's loop, the chores and the command line; a station takes a session."""
    stations = ("accounts", "campaigns", "contacts", "letters", "outbox", "reporting", "wording")
    commits = [
        f"{name(path)}:{line}"
        for path in APP
        if path.parent.name in stations
        for line, identifier in names_in(path)
        if identifier in {"commit", "rollback"}
    ]
    assert commits == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    hosts = ("pypi" + ".org", "python" + "hosted.org", "registry." + "npmjs", "index" + "-url")
    machine = re.compile("|".join(map(re.escape, hosts)) + r"|(?<![\w.:/~-])/(work|root)/\w")
    found = []
    for path in committed():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name(path)}: {hit.group()}" for hit in machine.finditer(text)]
    assert found == []
