"""Probing, sampling and cutting video; decoding happens in a guarded child process."""
