"""Metrics, statistics, and one module per benchmark."""
