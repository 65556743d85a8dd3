"""One file per model family: what turns a request into fills."""
