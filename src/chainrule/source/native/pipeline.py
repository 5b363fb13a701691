"""How Numba compiles a kernel: its own passes, without those that kernels have no use for."""

# mypy: ignore-errors
from __future__ import annotations

from numba import _dynfunc, njit
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.typed_passes import (
    AnnotateTypes,
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
)
from numba.core.untyped_passes import FixupArgs, GenericRewrites, IRProcessing, TranslateByteCode

from .frames import KernelLower


class _Remembering:
    """A typing context that finds out once what a function returns for arguments of given types.

    Numba's type inference asks anew at each of its rounds, which is a third of its time.
    """

    def __init__(self, context):
        self._context = context
        self._found = {}

    def __getattr__(self, name):
        return getattr(self._context, name)

    def resolve_function_type(self, function, args, kws):
        """Return the signature of a call, as the context does."""
        key = (function, args, tuple(sorted(kws.items())))
        found = self._found.get(key)
        if found is None:
            found = self._context.resolve_function_type(function, args, kws)
            self._found[key] = found
        return found


@register_pass(mutates_CFG=True, analysis_only=False)
class InferTypes(NopythonTypeInference):
    """Numba's type inference."""

    _name = "chainrule_type_inference"

    def run_pass(self, state):
        """Infer the types of all variables."""
        context = state.typingctx
        state.typingctx = _Remembering(context)
        try:
            return super().run_pass(state)
        finally:
            state.typingctx = context


class _Library(JITCodeLibrary):
    """Machine code that is optimised once: as a whole, which optimises each function too."""

    def _optimize_functions(self, ll_module):
        ll_module.data_layout = self._codegen._data_layout


@register_pass(mutates_CFG=True, analysis_only=False)
class Lower(NativeLowering):
    """Numba's lowering."""

    _name = "chainrule_lowering"

    @property
    def lowering_class(self):
        """Return what writes the instructions of a function."""
        return KernelLower

    def run_pass(self, state):
        """Make LLVM's code."""
        state.library = _Library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return super().run_pass(state)


_PASSES = (
    (TranslateByteCode, "read bytecode"),
    (FixupArgs, "number the arguments"),
    (IRProcessing, "find the variables"),
    (GenericRewrites, "see constants, such as the index of a shape"),
    (InferTypes, "infer types"),
    (IRLegalization, "say where arrays die"),
    (AnnotateTypes, "annotate types"),
    (Lower, "make LLVM's code"),
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


# ------------------------------------------------------------------------- helpers of kernels


class _PartLibrary(_Library):
    """Code that becomes part of kernels, which are optimised and made machine code as a whole."""

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class LowerPart(NativeLowering):
    """Numba's lowering of a function that kernels alone call."""

    _name = "chainrule_lowering_of_parts"

    @property
    def lowering_class(self):
        """Return what writes the instructions of a function."""
        return KernelLower

    def run_pass(self, state):
        """Make LLVM's code, but no machine code."""
        library = _PartLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library = library
        state.flags.no_compile = True
        super().run_pass(state)
        made = state.cr
        name = made.fndesc.qualname
        module = made.fndesc.lookup_module()
        key = _dynfunc.make_function(module, name, "part of kernels", 0, made.env, (library,))
        state.targetctx.insert_user_function(key, made.fndesc, [library])
        state["cr"] = made._replace(cfunc=key)
        return True


class PartPipeline(CompilerBase):
    """Numba's compiler for a function that kernels alone call."""

    def define_pipelines(self):
        """Return the passes: Numba's, but for the last ones."""
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        own = {NativeLowering: LowerPart, NopythonTypeInference: InferTypes}
        manager.passes = [(own.get(pass_, pass_), purpose) for pass_, purpose in manager.passes]
        manager.finalize()
        return [manager]


part_of_kernels = njit(pipeline_class=PartPipeline, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Says that kernels alone call a function: Python cannot."""
