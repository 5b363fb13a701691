"""The workloads, in the order of the table."""

from benchmarks.chain import SCALAR_CHAIN, SHORT_CHAIN, VECTOR_CHAIN
from benchmarks.diamond import DIAMOND
from benchmarks.elementwise import ELEMENTWISE
from benchmarks.lstm import LSTM, SAME_LSTM
from benchmarks.million import MILLION
from benchmarks.mlp import MLP_F32, MLP_F64
from benchmarks.recurrence import RECURRENCE
from benchmarks.rosenbrock import ROSENBROCK
from benchmarks.stores import STORES

WORKLOADS = (
    SCALAR_CHAIN,
    VECTOR_CHAIN,
    SHORT_CHAIN,
    LSTM,
    SAME_LSTM,
    MLP_F64,
    MLP_F32,
    STORES,
    RECURRENCE,
    ROSENBROCK,
    DIAMOND,
    MILLION,
    ELEMENTWISE,
)
