"""Time, operations and memory of each layer: on this computer, and on a board."""

from mltk_like.verbs.profile.device import DeviceProfile, profile_device
from mltk_like.verbs.profile.verb import Profile, profile, profile_tflite

__all__ = [
    "DeviceProfile",
    "Profile",
    "profile",
    "profile_device",
    "profile_tflite",
]
