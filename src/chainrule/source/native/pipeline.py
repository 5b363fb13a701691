"""How Numba compiles a kernel: its own passes, without those that kernels have no use for."""

# mypy: ignore-errors
from __future__ import annotations

from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import PassManager
from numba.core.typed_passes import (
    AnnotateTypes,
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
)
from numba.core.untyped_passes import FixupArgs, GenericRewrites, IRProcessing, TranslateByteCode

_PASSES = (
    (TranslateByteCode, "read bytecode"),
    (FixupArgs, "number the arguments"),
    (IRProcessing, "find the variables"),
    (GenericRewrites, "see constants, such as the index of a shape"),
    (NopythonTypeInference, "infer types"),
    (IRLegalization, "say where arrays die"),
    (AnnotateTypes, "annotate types"),
    (NativeLowering, "make LLVM's code"),
    (NoPythonBackend, "make machine code"),
)


class Pipeline(CompilerBase):
    """Numba's compiler for a kernel: loops over numbers, each variable of one type.

    Left out are passes that inline closures, look for array expressions and rename variables.
    """

    def define_pipelines(self):
        """Return the passes."""
        manager = PassManager("kernel")
        for pass_, purpose in _PASSES:
            manager.add_pass(pass_, purpose)
        manager.finalize()
        return [manager]


class WithPython(CompilerBase):
    """Numba's compiler for a kernel of which the interpreter runs a part: all passes."""

    def define_pipelines(self):
        """Return the passes."""
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]
