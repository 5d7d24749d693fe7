"""Network file → numbers: an ONNX file inspected, then run by ONNX Runtime."""

from ossicle.inference.inspection import inspect_network
from ossicle.inference.session import prepared_session

__all__ = ["inspect_network", "prepared_session"]
