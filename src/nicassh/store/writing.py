"""Writing: the newest rows of nodes replaced, and their history continued."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from nicassh.database import NODE, Cells, Sheet, Tables, held
from nicassh.model.outcome import Outcome
from nicassh.model.records import Keep, Record
from nicassh.store.lasting import DIGEST, Lasting
from nicassh.store.shelf import Current, Passing
from nicassh.store.turns import Turns


class Writer:
    """Writes outcomes and their records within a transaction.

    `records` are the tables by name, `probes` the names of those that each probe fills; two more are made beside
    `outcomes`.
    """

    def __init__(
        self, outcomes: Tables, records: Mapping[str, Tables], probes: Mapping[str, Sequence[str]], dialect: sa.Dialect
    ) -> None:
        metadata = outcomes.newest.metadata
        self.turns = Turns(metadata)
        # What the rows of a node are in a few letters: those that are still the same need not be read.
        digests = sa.Table(
            "content_hash", metadata, sa.Column("node", sa.String(NODE), primary_key=True),
            sa.Column("record", sa.String(NODE), primary_key=True), sa.Column("digest", sa.String(DIGEST)),
        )  # fmt: skip
        self._digests = Sheet(digests, ("node", "record", "digest"), dialect)
        self._results = Lasting(outcomes, dialect)
        self._lasting = {n: Lasting(one, dialect) for n, one in records.items() if one.keep is Keep.INTERVALS}
        self._passing = {n: Passing(one, dialect) for n, one in records.items() if one.keep is not Keep.INTERVALS}
        self._records, self._probes = records, probes

    def write(self, connection: sa.Connection, outcomes: Sequence[Outcome], latest: int) -> None:
        """Stores outcomes; of several of a probe and node the latest counts, also beside those that are stored.

        A stored time after `latest` is of a wrong clock: what comes with a time that has come is later.
        """
        nodes = [outcome.node for outcome in outcomes]
        self.turns.hold(connection, nodes)
        known = self._results.stored(connection, nodes)
        current: dict[Cells, Outcome] = {}
        late: list[Outcome] = []
        for outcome in sorted(outcomes, key=lambda outcome: outcome.at):
            key = (outcome.node, outcome.probe)
            if key in known and _overtaken(held(outcome.at), known[key][-1], latest):
                late.append(outcome)  # overtaken by a quicker collection, it is history already
                continue
            late += [current[key]] if key in current else []
            current[key] = outcome
        # An outcome has the fields of a Result.
        self._results.update(connection, [(outcome, [outcome]) for outcome in current.values()], known)
        # What is overtaken comes first: of two within one second a series has the later one's row.
        for name, some in self._parted(late).items():
            if name in self._passing:
                self._passing[name].append(connection, some)
        self._replace(connection, self._parted(current.values()))

    def _replace(self, connection: sa.Connection, parts: Mapping[str, Current]) -> None:
        nodes = [outcome.node for name in parts if name in self._lasting for outcome, _ in parts[name]]
        digests = {row[:2]: row[2] for row in self._digests.read(connection, nodes)}
        for name, some in parts.items():
            if name in self._lasting:
                self._digests.put(connection, self._lasting[name].replace(connection, some, digests))
            else:
                self._passing[name].replace(connection, some)

    def _parted(self, outcomes: Iterable[Outcome]) -> dict[str, list[tuple[Outcome, Sequence[Record]]]]:
        """The outcomes that ended well, each with its records of one table, by the names of the tables."""
        parts: dict[str, list[tuple[Outcome, Sequence[Record]]]] = {}
        for outcome in outcomes:
            if outcome.state.is_ok:
                names = self._probes.get(outcome.probe, ())
                for name in names:
                    kind = self._records[name].record
                    alone = len(names) == 1
                    own = outcome.records if alone else [one for one in outcome.records if type(one) is kind]
                    parts.setdefault(name, []).append((outcome, own))
        return parts


def _overtaken(at: int, stored: int, latest: int) -> bool:
    """Whether what is stored is of a later time, which is believed unless it is still to come."""
    return at < stored and not at <= latest < stored
