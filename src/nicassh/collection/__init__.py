"""One collection: many probes as one script, run on many nodes, and their output judged and turned into records."""
