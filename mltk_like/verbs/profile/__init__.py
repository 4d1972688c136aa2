"""Time, operations and memory of each layer: on this computer, on a board, and on emulated cores."""

from mltk_like.verbs.profile.boards import BoardsProfile, OnBoard, profile_boards
from mltk_like.verbs.profile.device import DeviceProfile, profile_device
from mltk_like.verbs.profile.target import TargetProfile, profile_target
from mltk_like.verbs.profile.verb import Profile, profile, profile_tflite

__all__ = [
    "BoardsProfile",
    "DeviceProfile",
    "OnBoard",
    "Profile",
    "TargetProfile",
    "profile",
    "profile_boards",
    "profile_device",
    "profile_target",
    "profile_tflite",
]
