"""The threads that parallel loops run on: started once for a process, asleep between loops.

A loop is given to them as a function and a number of chunks. Whoever is free takes the next chunk,
the thread that asks included, so that a loop never waits for threads that are busy. Where another
thread's loop runs at the moment, or there is one thread only, the thread that asks does all chunks
itself. Which thread does which chunk has no influence on what a chunk computes.

This is machine code too, made with LLVM: a thread of the pool never needs the interpreter, and is
asleep or awake by Python's own locks, which all platforms have.
"""

# mypy: disable-error-code="no-untyped-call, no-any-return"
from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

SYMBOL = "chainrule_share_out"
"""What machine code calls: ``share_out(chunk, context, count)`` calls ``chunk(context, k)``."""

_MOST_THREADS = 256
_WORDS = 16
"""Words of memory for each thread, and for what all share: two lines of a cache."""
(_BUSY, _LEFT, _FINISHED, _CHUNK, _CONTEXT, _COUNT, _DONE, _HELPERS, _ASKED, _LIMIT) = range(10)
_ASLEEP, _WAKE, _NUMBER = range(3)


class _Pool:
    """Memory that all threads share, and the machine code that works on it."""

    def __init__(self) -> None:
        from llvmlite import binding

        self.lock = threading.Lock()
        self.is_started = False
        self.memory = (ctypes.c_int64 * (_WORDS * (_MOST_THREADS + 1)))()
        module = binding.parse_assembly(str(_module(ctypes.addressof(self.memory))))
        module.verify()
        target = binding.Target.from_default_triple().create_target_machine(opt=2)
        self.engine = binding.create_mcjit_compiler(module, target)
        self.engine.finalize_object()
        self.work = ctypes.c_void_p(self.engine.get_function_address("work"))
        binding.add_symbol(SYMBOL, self.engine.get_function_address("share_out"))
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """Begin anew in a process that was forked, which has none of the threads."""
        self.lock = threading.Lock()
        self.is_started = False
        ctypes.memset(self.memory, 0, ctypes.sizeof(self.memory))

    def start(self) -> None:
        """Start the threads."""
        from numba.core import config

        count = min(int(config.NUMBA_NUM_THREADS) - 1, _MOST_THREADS)  # type: ignore[attr-defined]
        with self.lock:
            if self.is_started:
                return
            self.memory[_DONE] = _held_lock()
            for k in range(count):
                word = _WORDS * (k + 1)
                self.memory[word + _WAKE] = _held_lock()
                self.memory[word + _NUMBER] = k
                place = ctypes.addressof(self.memory) + 8 * word
                if _start(self.work, ctypes.c_void_p(place)) == _NO_THREAD:
                    break
                self.memory[_HELPERS] = k + 1
            self.memory[_LIMIT] = count + 1
            self.is_started = True

    def ask_numba(self) -> None:
        """Let ``numba.set_num_threads`` say how many threads are used, once somebody calls it."""
        numba = sys.modules.get("numba.np.ufunc.parallel")
        if numba is not None and getattr(numba, "_is_initialized", False):
            asked = ctypes.cast(numba._get_num_threads, ctypes.c_void_p)
            self.memory[_ASKED] = asked.value or 0


_pool: _Pool | None = None
_making = threading.Lock()


def install() -> None:
    """Make the pool's machine code, before code that calls it is loaded."""
    global _pool  # noqa: PLW0603 (one pool for the process)
    with _making:
        if _pool is None:
            _pool = _Pool()


def ready() -> None:
    """Start the threads, if this process has not yet."""
    assert _pool is not None
    if not _pool.is_started:
        _pool.start()
    if not _pool.memory[_ASKED]:
        _pool.ask_numba()


class WithThreads:
    """A function of machine code that has threads when it is called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Start the threads if need be, and call the function."""
        ready()
        return self.function(*args, **kwargs)


# ---------------------------------------------------------------------- Python's own threads

_python = ctypes.pythonapi
_start = _python.PyThread_start_new_thread
_start.argtypes, _start.restype = [ctypes.c_void_p, ctypes.c_void_p], ctypes.c_ulong
_NO_THREAD = ctypes.c_ulong(-1).value
_python.PyThread_allocate_lock.restype = ctypes.c_void_p
_python.PyThread_acquire_lock.argtypes = [ctypes.c_void_p, ctypes.c_int]


def _held_lock() -> int:
    """Return the address of a new lock that is held: who acquires it waits for its release."""
    lock = _python.PyThread_allocate_lock()
    if not lock:
        raise MemoryError
    _python.PyThread_acquire_lock(lock, 1)
    return int(lock)


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


# ------------------------------------------------------------------------------ machine code


def _module(memory: int) -> Any:
    """Return the functions ``share_out`` and ``work``, on memory at an address."""
    from llvmlite import ir as llvm

    module = llvm.Module(name="pool")
    written = _Written(module, memory)
    written.share_out()
    written.work()
    return module


class _Written:
    """Writes the two functions. All that threads look at is read and changed atomically.

    A chunk is taken by counting ``left`` down, and only then it is read which loop it is of: that
    loop cannot end before the chunk is finished. The last to finish a chunk wakes the thread that
    asked, unless it is that thread itself.
    """

    def __init__(self, module: Any, memory: int) -> None:
        from llvmlite import ir as llvm

        self.llvm = llvm
        self.module = module
        self.memory = memory
        self.word, self.void = llvm.IntType(64), llvm.VoidType()
        self.bytes = llvm.IntType(8).as_pointer()
        self.chunk = llvm.FunctionType(self.void, [self.bytes, self.word]).as_pointer()

    def number(self, value: int) -> Any:
        return self.llvm.Constant(self.word, value)

    def shared(self, k: int) -> Any:
        """Return the pointer to a word that all threads share."""
        return self.number(self.memory + 8 * k).inttoptr(self.word.as_pointer())

    def get(self, place: Any) -> Any:
        return self.b.load_atomic(place, "seq_cst", 8)

    def set(self, place: Any, value: Any) -> None:
        self.b.store_atomic(value, place, "seq_cst", 8)

    def call(self, function: Any, kind: Any, *args: Any) -> Any:
        """Call one of Python's functions by its address."""
        place = self.number(_address(function))
        return self.b.call(self.b.inttoptr(place, kind.as_pointer()), args)

    def release(self, lock: Any) -> None:
        kind = self.llvm.FunctionType(self.void, [self.bytes])
        self.call(_python.PyThread_release_lock, kind, self.b.inttoptr(lock, self.bytes))

    def acquire(self, lock: Any) -> None:
        whole = self.llvm.IntType(32)
        kind = self.llvm.FunctionType(whole, [self.bytes, whole])
        wait = self.llvm.Constant(whole, 1)
        self.call(_python.PyThread_acquire_lock, kind, self.b.inttoptr(lock, self.bytes), wait)

    def function(self, name: str, kinds: list[Any]) -> Any:
        made = self.llvm.Function(self.module, self.llvm.FunctionType(self.void, kinds), name)
        self.b = self.llvm.IRBuilder(made.append_basic_block("entry"))
        return made

    def run_chunks(self, if_last: Callable[[], None]) -> None:
        """Take chunks until none are left; ``if_last`` writes what follows on the last to end."""
        b = self.b
        head = b.append_basic_block("next")
        body, after = b.append_basic_block("chunk"), b.append_basic_block("none_left")
        b.branch(head)
        b.position_at_end(head)
        left = b.atomic_rmw("sub", self.shared(_LEFT), self.number(1), "seq_cst")
        b.cbranch(b.icmp_signed(">", left, self.number(0)), body, after)
        b.position_at_end(body)
        count = self.get(self.shared(_COUNT))
        function = b.inttoptr(self.get(self.shared(_CHUNK)), self.chunk)
        context = b.inttoptr(self.get(self.shared(_CONTEXT)), self.bytes)
        b.call(function, [context, b.sub(count, left)])
        before = b.atomic_rmw("add", self.shared(_FINISHED), self.number(1), "seq_cst")
        with b.if_then(b.icmp_signed("==", before, b.sub(count, self.number(1)))):
            if_last()
        b.branch(head)
        b.position_at_end(after)

    def share_out(self) -> None:
        """Write ``share_out(chunk, context, count)``."""
        made = self.function("share_out", [self.chunk, self.bytes, self.word])
        chunk, context, count = made.args
        b = self.b
        alone, together = b.append_basic_block("alone"), b.append_basic_block("together")
        ask = b.append_basic_block("ask")
        helpers = self.least(
            self.get(self.shared(_HELPERS)),
            self.least(self.allowed(), b.sub(count, self.number(1))),
        )
        b.cbranch(b.icmp_signed(">", helpers, self.number(0)), ask, alone)
        b.position_at_end(ask)
        taken = b.cmpxchg(self.shared(_BUSY), self.number(0), self.number(1), "seq_cst", "seq_cst")
        b.cbranch(b.extract_value(taken, 1), together, alone)
        b.position_at_end(together)
        self.set(self.shared(_CHUNK), b.ptrtoint(chunk, self.word))
        self.set(self.shared(_CONTEXT), b.ptrtoint(context, self.word))
        self.set(self.shared(_COUNT), count)
        self.set(self.shared(_FINISHED), self.number(0))
        self.set(self.shared(_LEFT), count)
        self.each(helpers, self.wake)
        was_last = b.alloca(self.word)
        b.store(self.number(0), was_last)
        self.run_chunks(lambda: b.store(self.number(1), was_last))
        with b.if_then(b.icmp_signed("==", b.load(was_last), self.number(0))):
            self.acquire(self.get(self.shared(_DONE)))
        self.set(self.shared(_BUSY), self.number(0))
        b.ret_void()
        b.position_at_end(alone)
        self.each(count, lambda k: b.call(chunk, [context, k]))
        b.ret_void()

    def allowed(self) -> Any:
        """Return how many threads may help: Numba's settings say it."""
        b, kind = self.b, self.llvm.FunctionType(self.llvm.IntType(32), [])
        asked = self.get(self.shared(_ASKED))
        found = b.alloca(self.word)
        b.store(self.get(self.shared(_LIMIT)), found)
        with b.if_then(b.icmp_signed("!=", asked, self.number(0))):
            b.store(b.sext(b.call(b.inttoptr(asked, kind.as_pointer()), []), self.word), found)
        return b.sub(b.load(found), self.number(1))

    def least(self, x: Any, y: Any) -> Any:
        return self.b.select(self.b.icmp_signed("<", x, y), x, y)

    def each(self, count: Any, do: Any) -> None:
        """Write a loop over the numbers below ``count``, which is not 0."""
        b, before = self.b, self.b.block
        head, after = b.append_basic_block("each"), b.append_basic_block("after")
        b.branch(head)
        b.position_at_end(head)
        k = b.phi(self.word)
        k.add_incoming(self.number(0), before)
        do(k)
        following = b.add(k, self.number(1))
        k.add_incoming(following, b.block)
        b.cbranch(b.icmp_signed("<", following, count), head, after)
        b.position_at_end(after)

    def helper(self, k: Any, word: int) -> Any:
        """Return the pointer to a word of thread ``k``."""
        words = self.b.add(self.b.mul(k, self.number(_WORDS)), self.number(_WORDS + word))
        return self.b.gep(self.shared(0), [words])

    def wake(self, k: Any) -> None:
        was = self.b.atomic_rmw("xchg", self.helper(k, _ASLEEP), self.number(0), "seq_cst")
        with self.b.if_then(self.b.icmp_signed("==", was, self.number(1))):
            self.release(self.get(self.helper(k, _WAKE)))

    def work(self) -> None:
        """Write ``work(words of the thread)``: what each thread of the pool does for ever.

        It says that it falls asleep before it looks whether there is work after all: whoever
        shares out work puts it there first, and then looks who is asleep.
        """
        made = self.function("work", [self.word.as_pointer()])
        b, own = self.b, made.args[0]
        asleep = b.gep(own, [self.number(_ASLEEP)])
        lock = self.get(b.gep(own, [self.number(_WAKE)]))
        head, look = b.append_basic_block("tired"), b.append_basic_block("look")
        wait, awake = b.append_basic_block("wait"), b.append_basic_block("awake")
        b.branch(head)
        b.position_at_end(head)
        self.set(asleep, self.number(1))
        has_work = b.icmp_signed(">", self.get(self.shared(_LEFT)), self.number(0))
        b.cbranch(has_work, look, wait)
        b.position_at_end(look)
        was = b.atomic_rmw("xchg", asleep, self.number(0), "seq_cst")
        b.cbranch(b.icmp_signed("==", was, self.number(1)), awake, wait)
        b.position_at_end(wait)
        self.acquire(lock)
        b.branch(awake)
        b.position_at_end(awake)
        self.run_chunks(lambda: self.release(self.get(self.shared(_DONE))))
        b.branch(head)
