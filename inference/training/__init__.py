"""The demo world, its corpus, and the training of checkpoints."""
