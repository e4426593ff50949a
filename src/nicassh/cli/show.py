"""`nicamon show`: the farm and every record, from the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from nicassh import query as views
from nicassh.cli.output import Output, output_options
from nicassh.cli.session import Session, node_expression, session_of
from nicassh.cli.software import diff, software
from nicassh.model.errors import UsageError
from nicassh.model.records import Keep, Record, columns
from nicassh.probes.loader import Probe, about
from nicassh.store import Result

_OTHERS = {
    "node": "Everything known of one node.",
    "diff": "What differs between nodes, or who has which version of a package.",
    "outcomes": "How each probe ended on each node, since when, and what of its output could not be read.",
    "checks": "The same as outcomes.",
}


class _Views(click.Group):
    """The named views, and one for each record of the probes in force that no view has taken the name of."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(dict.fromkeys([*views.NAMED, *_OTHERS, *self._records(ctx), *session_of(ctx).listed]))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in _OWN:
            return _OWN[name]
        if name in views.NAMED:
            named = views.NAMED[name]
            return _table(name, named.help, named.fields, named.build)
        own = {other: (_OTHERS[other], Result, Keep.INTERVALS) for other in ("outcomes", "checks")}
        records = {**own, **self._records(ctx)}
        if name not in records:
            return _of_site(session_of(ctx).listed, name)
        text, record, keep = records[name]
        rows = "outcomes" if name in own else name
        return _table(name, text, views.fields_of(record, keep), lambda scene: views.listing(scene, rows))

    @staticmethod
    def _records(ctx: click.Context) -> dict[str, tuple[str, type[Record], Keep]]:
        """Name of a built-in record to the first line of its probe's help, its type, and what is kept of it."""
        probes = session_of(ctx).builtin
        return {
            name: (_told(probe, name), record, probe.keep[name])
            for probe in probes
            for name, record in probe.records.items()
        }


@click.group(cls=_Views)
def command() -> None:
    """Show the farm, or any record, from the database. Asks no node.

    \b
    nicamon show farm
    nicamon show farm --filter "load1 > 20 or state = down" --sort -load1
    nicamon show farm --json | jq '.rows[] | select(.state != "up") | .node'
    nicamon show node nc2
    nicamon show disks --sort free_percent --columns node,mount,free,free_percent
    nicamon show farm --columns +load1~             with the last hour of any number kept as a series
    nicamon show farm --watch 10
    """


@click.command(help=_OTHERS["node"])
@node_expression("name")
@output_options
@click.pass_obj
def node(session: Session, name: str, output: Output) -> None:
    chosen = session.select(name)
    if len(chosen) != 1:
        raise UsageError(f"{name!r} names {len(chosen)} nodes", "show node takes one; for more, see: nicamon show farm")
    output.show_page("node", lambda: views.page(session.scene(chosen)))


@click.command()
@node_expression("-n", "--node", "expression", default="", metavar="EXPR", help="Judge only these nodes.")
@click.option(
    "--as",
    "batch",
    type=click.Choice(["slurm", "sge", "nica-scheduler"]),
    help="Print the option that keeps a job off these nodes, and nothing where there are none.",
)
@output_options
@click.pass_obj
def bad(session: Session, expression: str, batch: str | None, output: Output) -> None:
    """Show the nodes to avoid, and why: those of which something bad is known (see `nicamon explain`).

    \b
    sbatch $(nicamon show bad --as slurm) job.sh
    qsub $(nicamon show bad --as sge) job.sh
    nicamon show bad --as nica-scheduler       hosts="~nc10,nc13" for the <run> element
    """
    nodes = session.select(expression)
    if batch is None:
        output.show(lambda: views.NAMED["bad"].build(session.scene(nodes)))
    elif option := views.exclusion(views.NAMED["bad"].build(session.scene(nodes)), batch):
        click.echo(option)


def _of_site(folders: Mapping[str, Path], name: str) -> click.Command | None:
    """The table of a record of the site's own probes. They are loaded when it is shown: not for help or completion."""
    owners = [probe for probe in folders if name == probe or name.startswith(f"{probe}_")]
    if not owners:
        return None

    def build(scene: views.Scene) -> views.View:
        if name not in scene.store.records:
            raise UsageError(f"no record {name!r}", "see nicamon probes")
        return views.listing(scene, name)

    return _table(name, about(folders[max(owners, key=len)]) or "A probe of this site.", (), build)


def _told(probe: Probe, table: str) -> str:
    """What the rows of a table tell: the probe's help for its first table, for the others their columns."""
    if table == probe.name:
        return probe.help.partition("\n")[0]
    titles = [column.name for column in columns(probe.records[table]) if column.shown]
    return f"Of `{probe.name}`: {', '.join(titles[:6])}{', …' if len(titles) > 6 else ''}."


def _table(
    name: str, text: str, fields: Sequence[views.Field], build: Callable[[views.Scene], views.View]
) -> click.Command:
    told = (
        f"Columns: {', '.join(field.name for field in fields)}." if fields else "Columns: see its record.py, or --json."
    )

    @click.command(name, help=f"{text}\n\n{told}", short_help=text)
    @node_expression("-n", "--node", "expression", default="", metavar="EXPR", help="Show only these nodes.")
    @output_options
    @click.pass_obj
    def show(session: Session, expression: str, output: Output) -> None:
        nodes = session.select(expression)
        if fields:
            output.check(name, fields)

        def look() -> views.View:
            scene = session.scene(nodes)
            return views.with_trends(build(scene), scene, output.columns)

        output.show(look)

    return show


_OWN = {"node": node, "bad": bad, "software": software, "diff": diff}
"""Those with options or arguments of their own."""
