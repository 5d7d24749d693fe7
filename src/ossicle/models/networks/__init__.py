"""Networks that are learnt by gradients: one file each, settings first, then the module."""

__all__: list[str] = []
