"""The report: its model, its file, its editor."""
