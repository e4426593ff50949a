"""Pure values: units, records, states, text, notes and errors. Nothing here reads a file, a node or a database."""
