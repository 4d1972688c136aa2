"""The parts of `view_audio`: whose front end, which stretch of audio, variants, pictures, sections of the page."""
