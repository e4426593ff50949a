"""The query layer: questions about the farm, and tables as answers, for every face of nicamon alike."""

from nicassh.query.arrange import filter_rows, limit_rows, select_columns, sort_rows
from nicassh.query.grouping import grouped
from nicassh.query.history import History
from nicassh.query.registry import Nodes, Parameter, Request, Sources, TableSpec, table_specs
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Cell, Field, Row, Table, computed

__all__ = [
    "Cell",
    "Field",
    "History",
    "Nodes",
    "Parameter",
    "Request",
    "Row",
    "Snapshot",
    "Sources",
    "Table",
    "TableSpec",
    "computed",
    "filter_rows",
    "grouped",
    "limit_rows",
    "select_columns",
    "sort_rows",
    "table_specs",
]
