"""The domain of radiology, without a window and without a model: what every process may use."""
