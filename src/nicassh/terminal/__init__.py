"""The terminal: views drawn as tables for people, and written as JSON or CSV for programs."""

from nicassh.terminal.draw import draw
from nicassh.terminal.plot import MOST, plot
from nicassh.terminal.write import csv_lines, json_text, ndjson_lines, records

__all__ = ["MOST", "csv_lines", "draw", "json_text", "ndjson_lines", "plot", "records"]
