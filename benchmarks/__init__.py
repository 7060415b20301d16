"""Scripts that measure us and what a user would pick instead, in one run."""
