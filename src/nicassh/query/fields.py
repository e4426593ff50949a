"""Fields that several tables of batch systems share."""

from __future__ import annotations

from datetime import datetime

from nicassh.model.units import Seconds, Text, Time
from nicassh.query.table import Field, computed

CLUSTER = (
    Field(computed("cluster", str, Text, "The batch cluster."), 30),
    Field(computed("system", str, Text, "sge, slurm or condor."), 35),
)
COLLECTED = (
    Field(computed("updated", datetime, Time, "When it was collected."), 0),
    Field(computed("age", float, Seconds, "How old the row is.", "updated"), 20),
)
