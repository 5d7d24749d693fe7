"""A network file made ready to run: inspected, on one thread, within bounds of memory."""

from functools import cache
from typing import TYPE_CHECKING

from ossicle.errors import ModelError
from ossicle.inference.inspection import inspect_network

if TYPE_CHECKING:  # it takes a tenth of a second to import: front ends alone do without
    import onnxruntime

__all__ = ["prepared_session"]

FATAL_ONLY = 4
MAX_MEMORY_BYTES = 2 * 2**30
"""What all networks of a process may hold together: more is asked for by a fault or an attack."""


def prepared_session(data: bytes) -> "onnxruntime.InferenceSession":
    """A network ready to run, on one thread, so that numbers never depend on the machine's load.

    Parameters
    ----------
    data : bytes
        An ONNX file.

    Raises
    ------
    ModelError
        If it is not a safe network (`inspect_network`), or the runtime cannot run it.
    """
    import onnxruntime

    inspect_network(data)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = FATAL_ONLY  # what goes wrong is raised
    options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        _limit_memory()
        return onnxruntime.InferenceSession(
            data, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # the runtime's exceptions share no base of their own
        raise ModelError(f"the network cannot be run: {error}") from error


@cache
def _limit_memory() -> None:
    """Bound the memory that networks share; a process can do this once."""
    import onnxruntime

    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    memory = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    as_requested = 1  # the arena grows by what is asked for, not by doubling
    settings = {"max_mem": MAX_MEMORY_BYTES, "arena_extend_strategy": as_requested}
    onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg(settings))
