"""Data sets that others have published, declared: address, hash, label. They are used where the network has them."""

from mltk_like.data.download import Download

# Silicon Labs' synthetic clips end in the voice, Common Voice's in the clip; Speech Commands begin with the speaker.
_SPEAKER = r"^(?:common_voice_\w+_|(?:azure|aws|gcp)_.*\+)?([^+_]+?)(?:_nohash_\d+)?\.\w+$"
_DROPBOX = "https://www.dropbox.com/s"
_MIXKIT = "https://assets.mixkit.co/sfx/download/mixkit"
_BOARD_NOISE = "https://github.com/SiliconLabs/mltk_assets/raw/master/datasets/brd2601_background_audio.7z"

# (label, SHA-1, address). No label: the folders in the archive are words, of which the keyword's own is known.
_SETS = (
    ("alexa", "e657e91d6ea55639ce2e9a4dd8994c112fda2de0", f"{_DROPBOX}/b6nd8xr7zzwmd6d/sl_synthetic_alexa.7z?dl=1"),
    ("_unknown_", "2693e5fc72c52f199de2a69ed720644c2c363591", f"{_DROPBOX}/86wh4defrqj0n9r/sl_synthetic_alexa_unknown.7z?dl=1"),
    ("_unknown_", "6729b4763a506e427beb0909069219767f3d0d6f", f"{_DROPBOX}/zwvztg39a340b5q/sl_synthetic_generic_unknown.7z?dl=1"),
    ("", "6f515d8247e2fee70cd0941420918c8fe57a31e8", f"{_DROPBOX}/j4p9w4h92e8rruo/mlcommons_keywords_subset_part1.7z?dl=1"),
    ("", "7816f5ffa1deeafa9b5b3faae563f44198031796", f"{_DROPBOX}/zacujsccjgk92b2/mlcommons_keywords_subset_part2.7z?dl=1"),
    ("_unknown_", "ce424afd5d9b754f3ea6b3a4f78304f48e865f93", f"{_DROPBOX}/l9uxyr22w3jgenc/common_voice_subset.7z?dl=1"),
    ("_microphone_", "3069a85002965a7830c660343c215edd4fae39c6", _BOARD_NOISE),
    ("_noise_", "", f"{_MIXKIT}-very-crowded-pub-or-party-loop-360.wav"),
    ("_noise_", "", f"{_MIXKIT}-big-crowd-talking-loop-364.wav"),
    ("_noise_", "", f"{_MIXKIT}-restaurant-crowd-talking-ambience-444.wav"),
    ("_noise_", "", f"{_MIXKIT}-keyboard-typing-1386.wav"),
    ("_noise_", "", f"{_MIXKIT}-office-ambience-447.wav"),
    ("_noise_", "", f"{_MIXKIT}-hotel-lobby-with-dining-area-ambience-453.wav"),
)  # fmt: skip


def silabs_alexa() -> list[Download]:
    """What Silicon Labs' `keyword_spotting_alexa` was trained on, as its page declares it.

    Synthetic "alexa" and sounds like it, words of MLCommons' Multilingual Spoken Words, sentences of Common Voice, the
    noise of a board's microphone, six ambiences of Mixkit. The labels are "alexa", `_unknown_`, `_microphone_` and
    `_noise_`.
    """
    return [
        Download(
            url=url,
            sha1=sha1,
            label=label,
            labels=() if label else ("alexa",),
            other="" if label else "_unknown_",
            group=_SPEAKER,
            speakers="silabs",
        )
        for label, sha1, url in _SETS
    ]
