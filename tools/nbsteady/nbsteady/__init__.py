"""Notebooks whose printed digits and pictures no machine changes: see README.md."""

__version__ = "0.1.0"
