"""Probes: folders with a script, the records that its output becomes, and real samples."""
