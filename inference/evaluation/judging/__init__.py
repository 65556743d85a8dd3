"""Does an answer say the same as the reference? Verdicts by rules, an endpoint or a local model."""
