"""What docs/generate.py writes besides Markdown: the picture and the man pages, and the farm that they show."""
