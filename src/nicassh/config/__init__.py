"""The configuration: settings that are declared once, and read from files that nobody else can have written."""
