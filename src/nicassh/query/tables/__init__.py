"""One file for each table, with one `TABLE` in it. See `nicassh.query.registry`."""
