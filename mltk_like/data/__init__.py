"""Where clips come from: synthetic speech, recordings, downloads, generated noise."""

from mltk_like.data.clip import Clip
from mltk_like.data.debian.packages import DEBIAN_SPEECH, DEBIAN_SPEECH_ALL
from mltk_like.data.debian.source import DebianSpeech, debian_speech
from mltk_like.data.download import Download
from mltk_like.data.features import Features
from mltk_like.data.generated import (
    GeneratedRecordings,
    generated_bells,
    generated_household,
    generated_lock_sounds,
)
from mltk_like.data.labelled import LabelledRecordings
from mltk_like.data.layouts import SpeechCommands, SpokenWords, multilingual_spoken_words, speech_commands
from mltk_like.data.lists import RecordingList
from mltk_like.data.noise import GeneratedNoise, generated_noise, microphone_noise
from mltk_like.data.published import (
    SPEECH_COMMANDS_WORDS,
    brainchip_kws_features,
    sensiml_smart_lock,
    silabs_alexa,
    speech_commands_v2,
)
from mltk_like.data.real import (
    esc_10,
    esc_50,
    free_spoken_digits,
    librispeech,
    musan,
    mycroft_noise,
    mycroft_words,
    picovoice_commands,
    picovoice_wake_words,
    real_noise,
    real_speech,
    room_responses,
    spoken_commands,
)
from mltk_like.data.recordings import Folder
from mltk_like.data.remote import RemoteFile
from mltk_like.data.room_sources import SimulatedRooms, impulse_responses, simulated_rooms
from mltk_like.data.skipped import Clips, Skipped
from mltk_like.data.source import Inventory, Source
from mltk_like.data.speech import (
    COMPANIONS,
    SPOKEN_BY,
    SpeechSource,
    Variation,
    companion_speech,
    keyword_speech,
    other_speech,
    say,
    say_confusions,
    say_for_hours,
    say_parts,
    say_pseudo_words,
    say_random,
    say_sound_alikes,
    speech_negatives,
)

__all__ = [
    "COMPANIONS",
    "DEBIAN_SPEECH",
    "DEBIAN_SPEECH_ALL",
    "SPEECH_COMMANDS_WORDS",
    "SPOKEN_BY",
    "Clip",
    "Clips",
    "DebianSpeech",
    "Download",
    "Features",
    "Folder",
    "GeneratedNoise",
    "GeneratedRecordings",
    "Inventory",
    "LabelledRecordings",
    "RecordingList",
    "RemoteFile",
    "SimulatedRooms",
    "Skipped",
    "Source",
    "SpeechCommands",
    "SpeechSource",
    "SpokenWords",
    "Variation",
    "brainchip_kws_features",
    "companion_speech",
    "debian_speech",
    "esc_10",
    "esc_50",
    "free_spoken_digits",
    "generated_bells",
    "generated_household",
    "generated_lock_sounds",
    "generated_noise",
    "impulse_responses",
    "keyword_speech",
    "librispeech",
    "microphone_noise",
    "multilingual_spoken_words",
    "musan",
    "mycroft_noise",
    "mycroft_words",
    "other_speech",
    "picovoice_commands",
    "picovoice_wake_words",
    "real_noise",
    "real_speech",
    "room_responses",
    "say",
    "say_confusions",
    "say_for_hours",
    "say_parts",
    "say_pseudo_words",
    "say_random",
    "say_sound_alikes",
    "sensiml_smart_lock",
    "silabs_alexa",
    "simulated_rooms",
    "speech_commands",
    "speech_commands_v2",
    "speech_negatives",
    "spoken_commands",
]
