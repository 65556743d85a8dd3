"""Diffusion beside autoregression: one study, one set of pins, two columns."""
