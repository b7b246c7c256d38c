"""Apps, and all that belongs to one."""
