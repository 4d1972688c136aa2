"""The parts of a model's report, each from what is stored with the model."""
