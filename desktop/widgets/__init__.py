"""Small parts of the window that know nothing of studies, reports or the worker."""
