"""Fields that several tables of batch systems share."""

from __future__ import annotations

from datetime import datetime

from nicassh.model.units import Seconds, Text, Time
from nicassh.query.registry import Parameter
from nicassh.query.table import Field, computed

SYSTEMS = ("sge", "slurm", "condor")
"""The batch systems."""
USERS = Parameter("user", str, "Only of these users. Default: all ordinary users.", (), many=True)
CLUSTER = (
    Field(computed("cluster", str, Text, "The batch cluster."), 30),
    Field(computed("system", str, Text, "sge, slurm or condor.", choices=SYSTEMS), 35),
)
COLLECTED = (
    Field(computed("updated", datetime, Time, "When it was collected."), 0),
    Field(computed("age", float, Seconds, "How old the row is."), 20),
)
