"""Preparation: what is fitted on the training split alone, saved with the model, and applied again to raw data."""
