"""Networks that are learnt by gradients: one file each, settings first, then the module.

`ARCHITECTURES` maps a name to its class; entry points of the group ``ossicle.networks`` add to it.
"""

from ossicle.models.networks.architecture import (
    Architecture,
    Provided,
    check_module,
    n_parameters,
)
from ossicle.models.networks.cnn import Cnn
from ossicle.models.networks.dnn import Dnn
from ossicle.models.networks.ds_cnn import DsCnn
from ossicle.models.networks.export import write_network
from ossicle.models.networks.registry import ARCHITECTURES, architecture
from ossicle.models.networks.resnet import ResNet
from ossicle.models.networks.sharing import HardSharing
from ossicle.models.networks.tc_net import TcNet

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "Cnn",
    "Dnn",
    "DsCnn",
    "HardSharing",
    "Provided",
    "ResNet",
    "TcNet",
    "architecture",
    "check_module",
    "n_parameters",
    "write_network",
]
