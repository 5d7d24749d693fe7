"""Stand-in."""


def multiply_adds(network: bytes) -> int:
    """x."""
    return len(network)


def n_parameters(network: bytes) -> int:
    """x."""
    return len(network) // 4
