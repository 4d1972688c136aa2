"""Parts of `classify_audio`: engines, sources, what is shown and what is written down."""
