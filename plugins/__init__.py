"""What others may add to Pinfill; a bundled plugin uses the same API as anyone else's."""
