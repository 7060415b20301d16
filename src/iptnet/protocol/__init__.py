"""The benchmarks' rules: no torch, no model, nothing else of ours."""
