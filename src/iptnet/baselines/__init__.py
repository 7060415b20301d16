"""Peers measured beside us, one a file."""
