"""Mutated checkpoints and adapters, loaded as the worker does: none may crash, hang or fill it."""
