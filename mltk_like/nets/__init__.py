"""Networks: functions that return an uncompiled Keras model. TensorFlow is imported when one is called."""

from mltk_like.nets.bc_resnet import bc_resnet
from mltk_like.nets.bell import bell_net
from mltk_like.nets.brainchip import mobilenet_kws
from mltk_like.nets.ds_cnn import ds_cnn
from mltk_like.nets.fusion import fuse_branches
from mltk_like.nets.lock_cnn import lock_cnn
from mltk_like.nets.mixed_net import mixed_net
from mltk_like.nets.mobilenet import mobilenet_v1, mobilenet_v2
from mltk_like.nets.tenet import tenet, tenet6, tenet12

__all__ = [
    "bc_resnet",
    "bell_net",
    "ds_cnn",
    "fuse_branches",
    "lock_cnn",
    "mixed_net",
    "mobilenet_kws",
    "mobilenet_v1",
    "mobilenet_v2",
    "tenet",
    "tenet6",
    "tenet12",
]
