"""Mutation fuzzing: one module a target, ``python -m tests.fuzz.<target> --seconds --seed``."""
