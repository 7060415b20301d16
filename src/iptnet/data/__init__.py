"""Benchmark and user data, validated before use."""
