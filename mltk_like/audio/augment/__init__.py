"""The effects, by what they act on; `mltk_like.audio.effects` offers them to model files."""
