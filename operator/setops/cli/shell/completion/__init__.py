"""Completion: scripts for the shells, which ask `setops __complete` what could stand next."""
