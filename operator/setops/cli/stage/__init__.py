"""Stages, and their definition files."""
