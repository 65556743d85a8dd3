"""The worker: models, samplers, training and evaluation. Never imports Qt."""
