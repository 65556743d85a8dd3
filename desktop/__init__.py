"""The Qt application. Knows ``inference.protocol`` and ``inference.client``, nothing else of it."""
