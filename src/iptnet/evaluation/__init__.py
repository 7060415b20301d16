"""Predictions of a model and their scores under the protocol."""
