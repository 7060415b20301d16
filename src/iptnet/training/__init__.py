"""Arguments, loop and resumable state."""
