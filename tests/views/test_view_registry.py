"""Every table of the registry, through every face: the command line, JSON held to its schema, and CSV."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from rich.cells import cell_len
from unit_rows import PROBES

from nicassh.app import App
from nicassh.cli import command
from nicassh.model.errors import UsageError
from nicassh.query import Nodes, TableSpec, sort_rows, table_specs
from nicassh.query.records import record_specs
from nicassh.render import Screen, csv_lines, json_schema, json_text, page

TOP = Path(__file__).resolve().parents[2]
SPECS = {**table_specs(), **record_specs(PROBES, table_specs())}
GIVEN: dict[str, dict[str, Any]] = {
    "diff": {"nodes": "n2", "beside": "n3"},
    "explain": {"nodes": "n2"},
    "history": {"nodes": "n2", "metric": "load1", "since": "2h"},
    "node": {"nodes": "n2"},
    "versions": {"package": "ROOT", "beside": "n3"},
}
WORDS = {
    "diff": "show diff n2 n3", "explain": "explain n2", "history": "history n2 load1 --since 2h --table",
    "node": "show node n2", "versions": "show versions ROOT n3",
}  # fmt: skip
LIVE = {"doctor", "keys"}
"""Tables that ask the nodes themselves: tests/transports has a node to ask."""
each_table = pytest.mark.parametrize(
    "spec", [SPECS[name] for name in sorted(SPECS.keys() - LIVE)], ids=lambda one: one.name
)


@pytest.fixture(scope="module")
def app(config: Path) -> App:
    return App(config)


def asked(app: App, spec: TableSpec, **arrangement: Any) -> Any:
    return app.query(spec.name, **GIVEN.get(spec.name, {}), **arrangement)


@each_table
def test_json_is_what_its_schema_says(app: App, spec: TableSpec) -> None:
    table = asked(app, spec)
    document = json.loads(json_text(table))
    schema = json_schema(table)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    assert document["schema"] == f"nicamon.{spec.name}/1"
    if document["rows"]:
        with_other = {**document, "rows": [{**document["rows"][0], table.chosen[0].name: {"no": "such"}}]}
        assert not Draft202012Validator(schema).is_valid(with_other)


@each_table
def test_csv_has_a_cell_for_each_column(app: App, spec: TableSpec) -> None:
    table = asked(app, spec)
    header, *rows = csv.reader(io.StringIO("\n".join(csv_lines(table))))
    assert header == [field.name for field in table.fields]
    assert len(rows) == len(table.rows)
    assert {len(row) for row in rows} <= {len(header)}


@each_table
def test_the_command_line_shows_it(config: Path, spec: TableSpec) -> None:
    words = WORDS.get(spec.name, spec.words).split()
    done = CliRunner(env={"NICAMON_CONFIG": str(config), "COLUMNS": "200"}).invoke(
        command, [*words, "--json"], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["schema"] == f"nicamon.{spec.name}/1"


@each_table
def test_its_fields_are_those_of_the_answer(app: App, spec: TableSpec) -> None:
    names = [field.name for field in asked(app, spec).fields]
    assert len(set(names)) == len(names)
    assert {field.name for field in spec.fields} <= set(names)
    assert spec.is_open or [field.name for field in spec.fields] == names


@each_table
def test_a_limit_leaves_rows_out_and_says_so_and_the_worst_can_come_first(app: App, spec: TableSpec) -> None:
    whole, none = asked(app, spec), asked(app, spec, limit=0)
    assert none.rows == ()
    assert none.about.endswith("the limit is 0") == bool(whole.rows)
    for width in (40, 80, 120, 200):
        assert max(map(cell_len, page(whole, Screen(width))), default=0) <= width
    ranks = [row.worst.rank for row in sort_rows(whole, ["severity"]).rows]
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda one: one.name)
def test_everything_is_documented(spec: TableSpec) -> None:
    assert spec.help
    assert all(field.column.help for field in spec.fields)
    for one in spec.parameters:
        assert one.help.endswith("."), one.name
        assert one.kind in (str, int, float, bool, datetime, timedelta)
        assert not (one.required and one.default), one.name


def test_every_table_but_those_of_records_is_in_the_documentation() -> None:
    pages = [TOP / "docs" / name for name in ("tables.md", "tables-more.md")]
    titles = [line[3:] for page in pages for line in page.read_text(encoding="utf-8").splitlines() if line[:3] == "## "]
    assert sorted(titles) == sorted(table_specs())


def test_a_question_that_makes_no_sense_is_refused(app: App) -> None:
    for wrong, reason in (
        ({"name": "frm"}, "no table 'frm'"),
        ({"name": "farm", "colour": "red"}, "no parameter 'colour'"),
        ({"name": "versions"}, "needs the parameter 'package'"),
        ({"name": "explain"}, "needs a node"),
        ({"name": "node", "nodes": "n[2-3]"}, "names 2 nodes"),
        ({"name": "db-stats", "nodes": "n2"}, "is not about nodes"),
        ({"name": "top", "by": "luck"}, "'luck' is none of cpu, memory"),
        ({"name": "top", "at": "yesterdayish"}, "invalid time"),
        ({"name": "procs", "min_cpu": "much"}, "min_cpu"),
        ({"name": "farm", "columns": ["laod1"]}, "no column 'laod1'"),
        ({"name": "farm", "limit": -1}, "a limit of -1 rows"),
        ({"name": "history", "nodes": "n2", "metric": "load1", "since": "9000d", "step": "0"}, "values are too many"),
        ({"name": "history", "nodes": "n2", "metric": "load1", "step": "9000d"}, "longer than any row"),
    ):
        with pytest.raises(UsageError) as caught:
            app.query(**wrong)  # type: ignore[arg-type]
        assert reason in caught.value.what, wrong


def test_a_node_set_of_millions_is_a_clear_error(app: App) -> None:
    from nicassh.model.errors import InventoryError

    with pytest.raises(InventoryError, match="more than 65536 names"):
        app.query("farm", nodes="n[1-200000000]")


def test_parameters_may_be_texts_or_values(app: App) -> None:
    now = datetime.now(UTC)
    assert app.query("top", at="2h").facts["moment"] < app.query("top", at=now).facts["moment"]
    shown = [[one.priority for one in app.query("software", all=given).fields] for given in ("yes", True, "no")]
    assert shown[0] == shown[1] != shown[2]


HELLO = '''"""Greets each node."""

from nicassh.model.units import Text
from nicassh.query.registry import Parameter, TableSpec
from nicassh.query.table import Field, Row, Table, computed

FIELDS = (
    Field(computed("node", str, Text, "Name of the node."), 100),
    Field(computed("greeting", str, Text, "What is said to it."), 90),
)


def build(request):
    rows = [Row({"node": node.name, "greeting": f"{request['word']} {node.name}"}) for node in request.nodes]
    return Table("greetings", FIELDS, tuple(rows))


TABLE = TableSpec(
    "greetings", "Greets each node.", FIELDS, build, lambda table: f"{len(table.rows)} greeted",
    (Parameter("word", str, "How to greet.", "hello", choices=("hello", "goodbye")),),
)
'''


@pytest.fixture(scope="module")
def with_one_more(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program with one more file: a table."""
    top = tmp_path_factory.mktemp("copy")
    for folder in ("src", "probes", "docs"):
        shutil.copytree(TOP / folder, top / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (top / "src" / "nicassh" / "query" / "tables" / "greetings.py").write_text(HELLO)
    return top


def run(top: Path, config: Path, *words: str, **environment: str) -> str:
    known = {**os.environ, "PYTHONPATH": str(top / "src"), "NICAMON_CONFIG": str(config), **environment}
    done = subprocess.run([sys.executable, *words], env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_table_is_one_file(with_one_more: Path, config: Path) -> None:
    nicamon = ("-m", "nicassh", "show")
    assert "Greets each node." in run(with_one_more, config, *nicamon, "--help")
    assert "goodbye n3" in run(with_one_more, config, *nicamon, "greetings", "--word", "goodbye")
    document = json.loads(run(with_one_more, config, *nicamon, "greetings", "-n", "n2", "--json"))
    assert document == {"schema": "nicamon.greetings/1", "rows": [{"node": "n2", "greeting": "hello n2"}]}
    run(with_one_more, config, str(with_one_more / "docs" / "generate.py"))
    page = (with_one_more / "docs" / "tables.md").read_text(encoding="utf-8")
    assert "## greetings" in page and "How to greet. One of: hello, goodbye." in page
    for words, found in (("show gree", "greetings"), ("show greetings --word good", "goodbye")):
        completed = run(
            with_one_more, config, "-m", "nicassh", _NICAMON_COMPLETE="bash_complete",
            COMP_WORDS=f"nicamon {words}", COMP_CWORD=str(len(words.split())),
        )  # fmt: skip
        assert found in completed


def test_two_tables_of_one_name_are_refused(with_one_more: Path, config: Path) -> None:
    copy = with_one_more / "src" / "nicassh" / "query" / "tables" / "again.py"
    copy.write_text(HELLO)
    code = "from nicassh.query import table_specs\ntry: table_specs()\nexcept ValueError as error: print(error)"
    try:
        assert "two tables have the name 'greetings'" in run(with_one_more, config, "-c", code)
    finally:
        copy.unlink()


def test_tables_about_no_nodes_take_none() -> None:
    assert {name for name, spec in table_specs().items() if spec.nodes is Nodes.NONE} >= {
        "db-stats",
        "probes",
        "clocks",
    }
