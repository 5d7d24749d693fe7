"""Network file → numbers: an ONNX file inspected, counted, and run by ONNX Runtime."""

from ossicle.inference.cost import multiply_adds, n_parameters
from ossicle.inference.inspection import MAX_NETWORK_BYTES, inspect_network
from ossicle.inference.patches import PatchNetwork, patch_network
from ossicle.inference.session import prepared_session

__all__ = [
    "MAX_NETWORK_BYTES",
    "PatchNetwork",
    "inspect_network",
    "multiply_adds",
    "n_parameters",
    "patch_network",
    "prepared_session",
]
