"""Ratios of chainrule and its peers to hand-written NumPy gradients: `python -m benchmarks`.

Everything runs on one thread. BLAS and XLA read their settings once, when they are loaded, so the
settings are made here, before any module of the package can import NumPy.
"""

import os

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "NPROC": "1",  # the size of XLA's thread pool
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
}

os.environ.update(ONE_THREAD)
