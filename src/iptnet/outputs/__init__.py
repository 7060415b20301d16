"""One writer a file, all from a Timeline alone."""
