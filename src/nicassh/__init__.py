"""nicamon: monitoring of a computing farm over SSH, with nothing installed on its nodes."""

__version__ = "0.1.0"
