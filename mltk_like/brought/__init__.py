"""Models that other tools made, read as what they are: their files become a `.tflite` with this package's parameters.

micro_wake_word   a `.tflite` with the JSON manifest of microWakeWord
silicon_labs      an archive of Silicon Labs' MLTK, of which the `.tflite` alone is read
reasons           why a `.tflite` cannot hear, as far as its ends tell whose it is
"""
