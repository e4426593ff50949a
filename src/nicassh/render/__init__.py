"""Faces of tables: text that fits a terminal, JSON, CSV, and a history as a plot."""

from nicassh.render.csv import csv_lines
from nicassh.render.fitting import Screen
from nicassh.render.json import json_schema, json_text, ndjson_lines, records
from nicassh.render.plot import MOST_LINES, draw_plot
from nicassh.render.text import page

__all__ = [
    "MOST_LINES",
    "Screen",
    "csv_lines",
    "draw_plot",
    "json_schema",
    "json_text",
    "ndjson_lines",
    "page",
    "records",
]
