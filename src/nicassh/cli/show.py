"""`nicamon show`: the farm, every other table, and every record, from the database."""

from __future__ import annotations

import sys
from functools import partial

import click

from nicassh.cli.diff import diff
from nicassh.cli.lazy import Suggesting
from nicassh.cli.naming import node_options
from nicassh.cli.output import Output, exit_code_option, output_options
from nicassh.cli.session import Session, session_of
from nicassh.cli.tables import table_command
from nicassh.probes.loader import about
from nicassh.query.records import record_spec

_WORD = "show "


class _Tables(Suggesting):
    """The tables of the registry that have no command of their own, and one for each record of the site's probes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        session = session_of(ctx)
        known = [spec.words.removeprefix(_WORD) for spec in session.tables.values() if spec.words.startswith(_WORD)]
        return list(dict.fromkeys([*known, *session.listed]))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in _OWN:
            return _OWN[name]
        session = session_of(ctx)
        spec = session.tables.get(name)
        if spec is not None and spec.words == _WORD + name:
            return table_command(spec)
        # A record of the site: its probe is loaded when the table is shown, and not for help or completion.
        owners = [probe for probe in session.listed if name == probe or name.startswith(f"{probe}_")]
        if not owners:
            return None
        return table_command(record_spec(name, about(session.listed[max(owners, key=len)]) or "A probe of this site."))


@click.group(cls=_Tables)
def command() -> None:
    """Show the farm, or any other table, from the database. Does not contact the nodes.

    \b
    nicamon show farm
    nicamon show farm --filter "load1 > 20 or state = down" --sort -load1
    nicamon show farm --json | jq '.rows[] | select(.state != "up") | .node'
    nicamon show node nc2
    nicamon show disks --sort free_percent --columns node,mount,free,free_percent
    nicamon show farm --columns +load1~             with the last hour of a metric
    nicamon show software @batch --columns +gcc,+xrootd-server
    nicamon show farm --watch 10
    """


@click.command()
@node_options()
@click.option(
    "--as",
    "batch",
    type=click.Choice(["slurm", "sge", "nica-scheduler"]),
    help="Print the option that keeps a job off these nodes, and nothing where there are none.",
)
@exit_code_option
@output_options
@click.pass_obj
def bad(session: Session, nodes: str, batch: str | None, exit_code: bool, output: Output) -> None:
    """Show the nodes to avoid, and why (see `nicamon explain`).

    \b
    sbatch $(nicamon show bad --as slurm) job.sh
    qsub $(nicamon show bad --as sge) job.sh
    nicamon show bad --as nica-scheduler       hosts="~nc10,nc13" for the <run> element
    nicamon show bad --exit-code > report || mail -s 'bad nodes' admin < report

    Exit code 3, and nothing on stdout: what is in the database is too old, or too little, to judge the nodes.
    """
    from nicassh.query.tables.bad import exclusion  # with every other table, which most commands do not need

    if batch is None:
        table = output.show(partial(session.query, "bad", nodes=nodes))
    else:
        table = session.query("bad", nodes=nodes)
        if option := exclusion(table, batch):
            click.echo(option)
    sys.exit(1 if exit_code and table.rows else 0)


_OWN = {"bad": bad, "diff": diff}
"""Commands that do more than to show one table."""
