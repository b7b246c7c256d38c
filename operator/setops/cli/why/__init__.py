"""`why`: what blocks a Stage, and what to do about it."""
