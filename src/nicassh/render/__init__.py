"""The terminal: views drawn as tables for people, and written as JSON or CSV for programs."""

from nicassh.render.draw import draw
from nicassh.render.plot import MOST, plot
from nicassh.render.write import csv_lines, json_text, ndjson_lines, records

__all__ = ["MOST", "csv_lines", "draw", "json_text", "ndjson_lines", "plot", "records"]
