"""Hostile input made in numbers, opened as the product opens files, and measured."""
