"""Peak memory of one gradient, in a process of its own.

The process is `python -m benchmarks._memory WORKLOAD CONTENDER`. Resident memory is measured, as
the system counts it, because half of the contenders allocate outside Python.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path

from benchmarks._catalogue import WORKLOADS
from benchmarks._contenders import REFERENCE, find
from benchmarks._workload import Workload


def bytes_per_unit(workload: Workload, name: str) -> float:
    """What one unit (a step, say) of the workload takes at the peak, from a fresh process."""
    command = [sys.executable, "-m", "benchmarks._memory", workload.name, name]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"measuring the memory of {name}: {run.stderr.strip()[-500:]}")
    return float(json.loads(run.stdout))


def _peak() -> int:
    """Peak resident bytes of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would include the parent's peak on Linux
        line = next(ln for ln in status.read_text().splitlines() if ln.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _measure(workload: Workload, name: str) -> float:
    if name != REFERENCE:
        find((name,))
    assert workload.bytes_per is not None
    sizes = workload.inputs(False)
    workload.contenders[name](*workload.inputs(True))()  # imports and first-use work come before
    gradient = workload.contenders[name](*sizes)
    before = _peak()
    gradient()
    return (_peak() - before) / workload.bytes_per[1](*sizes)


if __name__ == "__main__":
    chosen = next(w for w in WORKLOADS if w.name == sys.argv[1])
    print(json.dumps(_measure(chosen, sys.argv[2])))
