"""What several verbs are made of. Nothing here knows a verb.

building            a trained model's files, or a net from a specification
subject             a trained model in one of its forms, ready to hear audio
low_bit             what is kept of low-bit training
engines             what runs a `.tflite`, inference by inference
audio_sources       microphone, file or pipe as one stream of samples
audio_plots, page   pictures of audio, and the HTML page that they lie in
training_process    a training as a process of its own
"""
