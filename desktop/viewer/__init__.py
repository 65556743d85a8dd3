"""The picture: grey levels computed in NumPy, and the widget that shows them."""
