"""Prediction: what a trained run says of examples and of new data, by what it predicts."""
