"""Jobs: what waits in the database to be done, which of it comes next, and when it is tried again."""
