"""Apps, and everything that belongs to an App."""
