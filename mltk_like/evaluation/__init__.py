"""Audio through a trained model as a device hears it: streams in, scores out."""
