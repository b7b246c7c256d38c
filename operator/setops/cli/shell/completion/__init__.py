"""Completion: scripts for the shells, and the answers of `setops __complete` to them."""
