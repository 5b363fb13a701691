"""The Numba backend: programs as loops over numbers, compiled to machine code.

A program of the source engine states array operations. ``lowering`` writes them as loops,
``fusion`` joins neighbouring loops and keeps what passes between them in registers, ``regions``
hands loops to LLVM, ``writer`` prints the rest as Python that Numba compiles, and ``kernel`` runs
it all. In the order to read them:

- ``code``, ``state``: statements that only loops know; what is known while they are written
- ``numbers``, ``elements``, ``arrays``, ``indexing``: functions of numbers; array expressions as
  what stands at each place; arrays in memory; subscripts
- ``stores``, ``statements``, ``nothing``, ``interpreter``, ``saved``, ``lowering``: statements as
  loops; variables that may be None; what the interpreter runs; saved values; whole programs
- ``operations``: NumPy's functions of whole arrays, which are in ``views``, ``shapes``,
  ``diagonals``, ``sums``, ``products``, ``joining``, ``creation``, ``selection``, ``reductions``,
  ``running``, ``sorting`` and ``linalg``
- ``accesses``, ``early``, ``terms``, ``filling``, ``gathering``, ``fusion``, ``contraction``,
  ``hoisting``: what statements touch; sizes first, terms of shifted places added at once, zeros
  that are added to, loops joined, temporaries shrunk, what iterations share computed once
- ``few``, ``masked``: sizes of few places as numbers, masked parts as whole arrays, before anything
  is lowered
- ``folding``, ``extents``, ``holders``, ``unrolling``, ``scalars``: what is known of integers and
  sizes; small arrays as numbers, loops over them written out
- ``exposure``, ``raising``, ``webs``, ``inplace``: what blocks read before they bind it; sizes
  before branches, names of their own for arrays of loops, arrays computed in place
- ``pairs``, ``ahead``, ``slots``, ``forwarding``, ``pooling``: pushes and pops, what is known
  before a loop, saved values of loops in arrays, read where they lie, in one piece of memory
- ``second_names``, ``units``, ``unread``: one name for one array; axes of one place, and what
  nothing reads, left out
- ``nests``, ``interchange``, ``straight``, ``layout``: the order of loops, and of axes
- ``affine``, ``flow``, ``coverage``, ``saved_places``, ``independence``, ``cost``, ``forgetting``,
  ``parallel``: loops whose iterations may run at the same time
- ``machine``, ``pending``, ``instructions``, ``elementary``, ``special``, ``metadata``,
  ``regions``: numbers and loops as LLVM's instructions
- ``chunks``, ``pool``: parallel loops as LLVM's functions, and the threads that run them
- ``runtime``, ``leaving``: helpers of kernels; how a kernel ends early
- ``pieces``, ``asking``, ``writer``, ``frames``, ``pipeline``, ``store``, ``cache``, ``owning``,
  ``compiling``: what the interpreter runs, the text, its compilation, machine code on disk, what
  calls it
- ``records``, ``loaded``, ``kernel``: how later processes find it; calls, and what takes over where
  machine code leaves
"""
