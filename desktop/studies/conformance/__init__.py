"""A matrix of small files, each held bit for bit against what the standard makes of it."""
