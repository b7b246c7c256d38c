"""Users of a Project or Stage."""
