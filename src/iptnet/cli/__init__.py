"""The command line: one small module a command; the only room besides serving that prints."""

from iptnet.cli.main import main

__all__ = ["main"]
