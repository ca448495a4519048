"""The error of a place where kernels cannot run; apart from the compiler, which takes long to import."""


class CompilationError(ValueError):
    """Kernels cannot be compiled, or kept safely, as things are here; the message says why, and what to do."""
