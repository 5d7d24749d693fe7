"""Clips + network + tasks → run: the gradient loop, losses, samplers and run folders."""

__all__: list[str] = []
