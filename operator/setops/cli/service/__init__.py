"""Services and their options."""
