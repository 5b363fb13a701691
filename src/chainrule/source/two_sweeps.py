"""A pullback in two programs, a sweep forward and a sweep back."""

from __future__ import annotations

from collections.abc import Sequence

from . import ir
from .kept import Kept
from .specialise import Specialisation


class Split:
    """A pullback in two programs: the run itself, and the way back from what it left."""

    def __init__(
        self,
        base: Specialisation,
        forward: ir.Program,
        backs: Sequence[ir.Program],
        kept: Kept,
    ) -> None:
        kept = kept.of([forward, *backs])

        def made(
            part: str, program: ir.Program, roles: dict[str, str] | None = None
        ) -> Specialisation:
            stages = [*base.stages, ("reverse", program)]
            return Specialisation(
                stages, base.arguments, roles, sizes=base.sizes, kept=kept.derived(part)
            )

        self.base = base
        self.forward = made("forward", forward, base.roles)
        self.reverse, self.guarded = map(made, ("back", "back, guarded"), backs)
        if base.backend != "numpy":
            self._use(base.backend)

    def _use(self, backend: str) -> None:
        """Let machine code run all three programs, or none: they hand saved values on."""
        from .native.compiling import why_not

        made = (self.forward, self.reverse, self.guarded)
        new = [spec for spec in made if spec.kept.record is None]
        refusal = next(filter(None, (why_not(spec.for_machine) for spec in new)), "")
        for spec in [] if refusal else new:
            spec.kept.keep_that_there_can_be_code()
        for spec in made:
            spec.backend, spec.not_native = backend, refusal
            spec.parallel = self.base.parallel

    def warm(self) -> None:
        """Compile both programs now."""
        self.forward.warm()
        self.reverse.warm()

    @property
    def text(self) -> str:
        """Both functions, in one module."""
        return joined(self.forward.text, self.reverse.text)

    @property
    def opaque_calls(self) -> list[str]:
        """Functions that only the tape can follow."""
        return self.base.opaque_calls

    def explain(self) -> str:
        """Return both programs after each pass."""
        return joined(self.forward.explain(), self.reverse.explain())


def joined(*texts: str) -> str:
    """Put the texts of modules together: imports first, each helper once."""
    imports: dict[str, None] = {}
    rest: dict[str, None] = {}
    for text in texts:
        for part in text.rstrip("\n").split("\n\n\n"):
            if part.startswith(("import ", "from ")):
                imports |= dict.fromkeys(part.splitlines())
            else:
                rest[part] = None
    return "\n\n\n".join(["\n".join(imports)] * bool(imports) + [*rest]) + "\n"
