"""The text of a program: each construct as a careful person writes it, and nothing lost."""

import ast
import dataclasses
import math
import operator
import subprocess
import sys
from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.source import ir
from chainrule.source.emit import emit, namespace
from chainrule.source.helpers import unbroadcast
from chainrule.source.types import BOOL, FLOAT, INT, OBJECT, Type, type_of

ARRAY = Type("array", np.dtype(float), ("n",))
MATRIX = Type("array", np.dtype(float), ("n", "m"))
BOOLS = Type("array", np.dtype(bool), ("n",))
SCALAR = Type("scalar", np.dtype(float))

u, v, i, n = (
    ir.Var(kind, name) for name, kind in [("u", ARRAY), ("v", ARRAY), ("i", INT), ("n", INT)]
)
x = ir.Var(FLOAT, "x")
A = ir.Var(MATRIX, "A")


def lit(value):
    return ir.Lit(type_of(value), value)


def call(fn, *args, kind=ARRAY, **kwargs):
    return ir.Call(kind, fn, args, tuple(kwargs.items()))


def span(start=None, stop=None, step=None):
    return ir.Slice(OBJECT, start, stop, step)


def program(body, result=None, parameters=("u", "v", "x", "A", "i", "n"), **kwargs):
    given = [p if isinstance(p, ir.Parameter) else ir.Parameter(p) for p in parameters]
    return ir.Program("f", given, body, result, {}, {}, **kwargs)


def body_of(*body, result=None):
    """Return the lines within the function, without their first indentation."""
    text = emit(program(list(body), result))
    ast.parse(text)
    return [line[4:] for line in text[text.index("def f(") :].splitlines()[1:]]


def text_of(expr):
    (line,) = body_of(ir.Assign("y", expr))
    assert line.startswith("y = ")
    return line[4:]


def execute(prog, *args, **given):
    space = namespace(prog)
    exec(emit(prog), space)
    return space["f"](*args, **given)


# ----------------------------------------------------------------------------------- operators

plus, minus, times, power = (
    lambda a, b, fn=fn: call(fn, a, b, kind=a.type)
    for fn in (np.add, np.subtract, np.multiply, np.power)
)
negative = lambda a: call(np.negative, a)
less = lambda a, b: call(np.less, a, b, kind=BOOL if a.type == FLOAT else BOOLS)


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (minus(minus(u, v), u), "u - v - u"),
        (minus(u, minus(v, u)), "u - (v - u)"),
        (plus(u, times(v, u)), "u + v * u"),
        (times(plus(u, v), u), "(u + v) * u"),
        (times(u, call(np.divide, v, u)), "u * (v / u)"),
        (power(u, lit(2)), "u**2"),
        (power(plus(u, v), lit(2)), "(u + v) ** 2"),
        (power(negative(u), lit(2)), "(-u) ** 2"),
        (negative(power(u, lit(2))), "-u**2"),
        (power(u, negative(v)), "u**-v"),
        (power(power(u, v), lit(2)), "(u**v) ** 2"),
        (power(u, power(v, lit(2))), "u ** v**2"),
        (power(lit(-2.0), u), "(-2.0) ** u"),
        (times(negative(u), v), "-u * v"),
        (times(u, lit(-1.0)), "u * -1.0"),
        (call(np.matmul, call(np.transpose, A, kind=MATRIX), u), "A.T @ u"),
        (call(np.transpose, plus(A, A), kind=MATRIX), "(A + A).T"),
        (call(np.transpose, A, ir.Seq(OBJECT, (lit(1), lit(0)))), "np.transpose(A, (1, 0))"),
        (call(np.transpose, u), "np.transpose(u)"),
        (call(np.bitwise_and, less(u, v), less(v, u)), "(u < v) & (v < u)"),
        (less(less(u, v), less(v, u)), "(u < v) < (v < u)"),
        (call(operator.not_, less(x, lit(1)), kind=BOOL), "not x < 1"),
        (call(operator.is_, x, lit(None), kind=BOOL), "x is None"),
        (call(operator.contains, u, x, kind=BOOL), "x in u"),
        (
            ir.Logic(BOOL, "and", (x, ir.Logic(BOOL, "or", (x, call(operator.not_, x))))),
            "x and (x or not x)",
        ),
        (ir.Choice(ARRAY, x, u, ir.Choice(ARRAY, x, v, u)), "u if x else v if x else u"),
        (times(ir.Choice(ARRAY, x, u, v), u), "(u if x else v) * u"),
        (ir.Dim(INT, A, 1), "A.shape[1]"),
        (ir.Dim(INT, plus(A, A), 1), "(A + A).shape[1]"),
        (ir.Access(ARRAY, "p", (("item", 0), ("item", "w"), ("attr", "b"))), 'p[0]["w"].b'),
        (call(np.shape, A, kind=OBJECT), "A.shape"),
        (call(getattr, A, lit("flat"), kind=OBJECT), "A.flat"),
        (call(operator.getitem, A, i), "A[i]"),
        (call(operator.call, ir.Var(OBJECT, "pull"), u), "pull(u)"),
    ],
)
def test_operators_need_few_parentheses(expr, text):
    assert text_of(expr) == text


def test_a_ufunc_of_python_numbers_stays_a_call_where_it_makes_a_numpy_scalar():
    assert text_of(call(np.add, x, lit(1.0), kind=FLOAT)) == "x + 1.0"
    assert text_of(call(np.add, x, lit(1.0), kind=SCALAR)) == "np.add(x, 1.0)"
    assert text_of(call(np.absolute, x, kind=FLOAT)) == "abs(x)"
    assert text_of(call(np.absolute, x, kind=SCALAR)) == "np.abs(x)"
    assert text_of(call(np.add, u, v, out=A)) == "np.add(u, v, out=A)"


names = st.sampled_from(["a", "b", "c"])
numbers = st.sampled_from([2, 3, -1, 0.5, -1.5])
leaves = st.builds(lambda name: ir.Var(FLOAT, name), names) | st.builds(lit, numbers)


def grown(inner):
    binary = st.sampled_from([np.add, np.subtract, np.multiply, np.less, np.equal, np.maximum])
    two = st.builds(lambda fn, a, b: call(fn, a, b, kind=FLOAT), binary, inner, inner)
    sign = st.sampled_from([np.negative, np.positive, operator.not_])
    one = st.builds(lambda fn, a: call(fn, a, kind=FLOAT), sign, inner)
    squared = st.builds(lambda a: call(np.power, a, lit(2), kind=FLOAT), inner)
    choice = st.builds(lambda c, a, b: ir.Choice(FLOAT, c, a, b), inner, inner, inner)
    logic = st.builds(
        lambda op, items: ir.Logic(BOOL, op, tuple(items)),
        st.sampled_from(["and", "or"]),
        st.lists(inner, min_size=2, max_size=3),
    )
    return two | one | squared | choice | logic


def value_of(expr, variables):
    """Compute an expression with the functions in it: the meaning that its text must have."""
    match expr:
        case ir.Var():
            return variables[expr.name]
        case ir.Lit():
            return expr.value
        case ir.Call(fn=fn, args=args):
            return fn(*(value_of(a, variables) for a in args))
        case ir.Choice(condition=c, a=a, b=b):
            return value_of(a if value_of(c, variables) else b, variables)
        case ir.Logic(op=op, items=items):
            found = None
            for item in items:
                found = value_of(item, variables)
                if bool(found) == (op == "or"):
                    break
            return found
    raise AssertionError(expr)


@given(st.recursive(leaves, grown, max_leaves=20))
def test_the_text_of_an_expression_has_its_value(expr):
    values = {"a": np.float64(0.7), "b": np.float64(-1.3), "c": np.float64(2.0)}
    with np.errstate(all="ignore"):
        try:
            expected = value_of(expr, values)
        except TypeError:  # a boolean was subtracted
            return
        found = execute(program([], expr, tuple("abc")), **values)
    np.testing.assert_array_equal(np.float64(found), np.float64(expected))


# ------------------------------------------------------------------------------------- indices


@pytest.mark.parametrize(
    ("index", "text"),
    [
        ((i,), "u[i]"),
        ((span(),), "u[:]"),
        ((span(lit(1), lit(-1)),), "u[1:-1]"),
        ((span(None, None, lit(-1)),), "u[::-1]"),
        ((span(lit(1), n, lit(2)),), "u[1:n:2]"),
        ((span(plus(i, lit(1))),), "u[i + 1 :]"),
        ((span(None, minus(n, lit(1))),), "u[: n - 1]"),
        ((span(plus(i, lit(1)), minus(n, lit(1))),), "u[i + 1 : n - 1]"),
        ((span(None, None, plus(i, lit(1))),), "u[:: i + 1]"),
        ((lit(Ellipsis), lit(None), span()), "u[..., None, :]"),
        ((lit(slice(1, None)), lit(slice(None))), "u[1:, :]"),
        ((ir.Seq(OBJECT, (i, n)),), "u[(i, n),]"),
        ((lit((0, 1)),), "u[(0, 1),]"),
        ((ir.Seq(OBJECT, (i, n), "list"), i), "u[[i, n], i]"),
        ((), "u[()]"),
        ((less(u, v),), "u[u < v]"),
    ],
)
def test_indices(index, text):
    assert text_of(ir.Index(ARRAY, u, index)) == text


def test_an_index_of_an_expression():
    assert text_of(ir.Index(ARRAY, plus(u, v), (i,))) == "(u + v)[i]"


# ------------------------------------------------------------------------------------ literals


@pytest.mark.parametrize(
    "value",
    [
        *(0, -3, True, None, Ellipsis, "it's", 'say "hi"', "a\\b\n", b"bytes", 10**30),
        *(0.1, -0.0, 1e-300, math.inf, -math.inf, 2 - 3j, complex(-0.0, 1.0), complex(1, math.inf)),
        *(np.float32(0.1), np.float64(-0.0), np.float64(1 / 3), np.int8(-3), np.complex64(1 - 2j)),
        *(np.float32(np.inf), np.bool_(True), np.float16(0.1), np.longdouble("0.1"), np.uint64(7)),
        *(np.dtype("f4"), np.dtype(float), np.dtype(bool), np.dtype(">i2"), np.float32, float, int),
        *((), (1,), (1, (2.0, "a")), [1, [2]], {"a": (1,), 2: None}, slice(1, None, 2), range(3)),
        *(np.array([[1.0, np.nan], [np.inf, -0.0]]), np.array(2.5), np.array([1, 2], np.int8)),
        *(np.zeros((0, 3), np.float32), np.array([True, False]), np.array([1j])),
        *(math.pi, np.sin, math.sin, len, np.linalg.norm, np.add.reduce),
    ],
    ids=lambda x: repr(x).partition(" at 0x")[0],
)
def test_a_literal_evaluates_to_itself(value):
    found = execute(program([], ir.Lit(OBJECT, value), ()))
    if isinstance(value, np.dtype):  # as it is written where a dtype is asked for
        found = np.dtype(found)
    assert type(found) is type(value)
    assert repr(found) == repr(value)
    if isinstance(value, np.ndarray):
        assert found.dtype == value.dtype
        assert found.shape == value.shape


def test_nan():
    found = execute(program([], (lit(math.nan), lit(np.float32(np.nan))), ()))
    assert [type(x) for x in found] == [float, np.float32]
    assert all(x != x for x in found)


def test_a_negative_number_is_bracketed_where_it_must_be():
    assert text_of(power(lit(-1), u)) == "(-1) ** u"
    assert text_of(minus(u, lit(-1))) == "u - -1"


# ----------------------------------------------------------------------------------- functions


def double(a):
    return 2 * a


def test_public_names():
    cases = [
        (np.linalg.norm, "np.linalg.norm(u)"),
        (np.absolute, "np.abs(u)"),
        (np.sum, "np.sum(u)"),
        (np.add.reduce, "np.add.reduce(u)"),
        (np.fft.fft, "np.fft.fft(u)"),
        (math.sin, "math.sin(u)"),
        (len, "len(u)"),
        (float, "float(u)"),
        (np.float32, "np.float32(u)"),
        (np.ndarray.copy, "u.copy()"),
        (np.copy, "np.copy(u)"),
        (np.random.Generator.normal, "u.normal()"),
        (double, "double(u)"),
    ]
    for fn, text in cases:
        assert text_of(call(fn, u)) == text


def test_only_what_is_used_is_imported():
    assert emit(program([], x)).startswith("def f(")
    text = emit(program([], call(math.sin, call(np.sum, u))))
    assert text.startswith("import math\n\nimport numpy as np\n\n\ndef f(")


def test_functions_of_scipy_are_imported():
    special = pytest.importorskip("scipy.special")
    text = emit(program([], call(special.erf, u)))
    assert "import scipy.special\n" in text
    assert "return scipy.special.erf(u)" in text


def test_functions_of_the_user_are_handed_over_by_name():
    prog = program([], call(double, u))
    assert namespace(prog) == {"double": double}
    assert execute(prog, 3, 0, 0, 0, 0, 0) == 6


def test_a_variable_may_be_called_as_a_function_or_a_module():
    names = ("np", "math", "sum", "double")
    np_, math_, sum_, double_ = (ir.Var(ARRAY, name) for name in names)
    value = plus(plus(call(np.sum, np_), call(math.floor, math_)), call(sum, sum_))
    value = plus(value, call(double, double_))
    found = execute(program([], value, names), np.ones(3), 1.5, [1, 2], 10)
    assert found == 3 + 1 + 3 + 20


def test_a_function_of_the_user_may_be_called_as_a_builtin():
    def own(a):
        return 10 * a

    own.__name__ = "sum"
    array = ir.Var(ARRAY, "u")
    both = plus(call(sum, array), call(own, call(len, array)))
    assert execute(program([], plus(both, call(sum, array)), ("u",)), [1, 2]) == 3 + 20 + 3


def test_two_functions_of_one_name():
    def make(k):
        def scaled(a):
            return k * a

        return scaled

    assert execute(program([], plus(call(make(2), x), call(make(3), x)), ("x",)), 1) == 5


# ---------------------------------------------------------------------------------- statements


def test_stores():
    full, one = (span(),), (i,)
    assert body_of(
        ir.Store(u, (), v),
        ir.Store(u, (), v, "add"),
        ir.Store(u, one, lit(1.0), "subtract"),
        ir.Store(A, (i, *full), v),
        ir.Store(u, one, v, "add", at=True),
        ir.Store(A, (i, *full), v, "subtract", at=True),
    ) == [
        "u[...] = v",
        "u += v",
        "u[i] -= 1.0",
        "A[i, :] = v",
        "np.add.at(u, i, v)",
        "np.subtract.at(A, (i, slice(None)), v)",
    ]


def test_a_store_of_a_changed_place_is_augmented():
    place = ir.Index(SCALAR, u, (i,))
    single = ir.Var(Type("array", np.dtype("f4"), ("n",)), "w")
    assert body_of(
        ir.Store(u, (i,), call(np.multiply, place, plus(x, lit(1.0)), kind=SCALAR)),
        ir.Store(u, (), call(np.divide, u, v)),
        ir.Store(u, (i,), call(np.multiply, lit(2.0), place, kind=SCALAR)),
        ir.Store(u, (n,), call(np.multiply, place, x, kind=SCALAR)),
        ir.Store(single, (), call(np.multiply, single, u)),
    ) == [
        "u[i] *= x + 1.0",
        "u /= v",
        "u[i] = 2.0 * u[i]",
        "u[n] = u[i] * x",
        "w[...] = w * u",
    ]


def test_statements():
    assert body_of(
        ir.Note("u = u[1:]\nis next"),
        ir.Assign("count", call(np.add, ir.Var(INT, "count"), lit(1), kind=INT)),
        ir.Alias("w", ir.Index(ARRAY, u, (span(lit(1)),)), "u"),
        ir.Move(("u", "v"), (v, u)),
        ir.Effect(call(print, lit("x:"), x, kind=OBJECT)),
        ir.Effect(call(divmod, x, x, kind=OBJECT), ("a", "b")),
        ir.Raise(call(ValueError, lit("no"), kind=OBJECT)),
        ir.Opaque("y", double, (u,), ARRAY),
    ) == [
        "# u = u[1:]",
        "# is next",
        "count += 1",
        "w = u[1:]",
        "u, v = v, u",
        'print("x:", x)',
        "a, b = divmod(x, x)",
        'raise ValueError("no")',
        "y = double(u)",
    ]


def test_branches():
    step = ir.Store(u, (), v)
    inner = ir.If(less(x, lit(1)), [step], [ir.If(x, [], [step])])
    assert body_of(ir.If(x, [step], [inner]), ir.If(x), ir.If(x, [], [ir.Note("why"), step])) == [
        "if x:",
        "    u[...] = v",
        "elif x < 1:",
        "    u[...] = v",
        "elif not x:",
        "    u[...] = v",
        "if x:",
        "    pass",
        "if not x:",
        "    # why",
        "    u[...] = v",
    ]


def test_assertions():
    def refused(condition, *message):
        raised = call(AssertionError, *message, kind=OBJECT)
        return ir.If(call(operator.not_, condition, kind=BOOL), [ir.Raise(raised)])

    assert body_of(refused(less(x, lit(1)), lit("too big")), refused(x)) == [
        'assert x < 1, "too big"',
        "assert x",
    ]


def test_loops():
    step = ir.Store(u, (), v)
    assert body_of(
        ir.For(i, lit(0), n, lit(1), [step]),
        ir.For(i, lit(1), n, lit(1), [step], until="done"),
        ir.For(i, n, lit(0), lit(-1), []),
        ir.For(i, lit(0), n, lit(1), [step], backwards=True),
        ir.For(i, lit(0), n, lit(1), [step], trips="count", backwards=True),
        ir.While(less(x, lit(1)), [step], until="done"),
    ) == [
        "for i in range(n):",
        "    u[...] = v",
        "for i in range(1, n):",
        "    u[...] = v",
        "    if done:",
        "        break",
        "for i in range(n, 0, -1):",
        "    pass",
        "for i in reversed(range(n)):",
        "    u[...] = v",
        "for i in reversed(range(n)[:count]):",
        "    u[...] = v",
        "while x < 1:",
        "    u[...] = v",
        "    if done:",
        "        break",
    ]


def test_the_stack_is_made_where_the_program_starts_under_a_free_name():
    body = [
        ir.Assign("stack", x),
        ir.Push(u, copy=True),
        ir.Note("then"),
        ir.Push(plus(u, v), copy=True),
        ir.Push(x),
        ir.Pop(ir.Var(FLOAT, "y")),
        ir.Pop(u, (), copy=True),
        ir.Pop(u, (i,)),
    ]
    assert body_of(*body) == [
        "stack_2 = []",
        "stack = x",
        "stack_2.append(u.copy())",
        "# then",
        "stack_2 += [(u + v).copy(), x]",
        "y = stack_2.pop()",
        "u[...] = stack_2.pop().copy()",
        "u[i] = stack_2.pop()",
    ]


# --------------------------------------------------------------------------- the whole function

Point = namedtuple("Point", "a b")


@dataclasses.dataclass
class State:
    a: object
    b: object


def test_results_of_every_structure():
    template = {"w": [u, (v,)], "p": Point(u, None), "s": State(a=u, b=(v, 1))}
    prog = program([], template, ("u", "v"))
    assert execute(prog, 1, 2) == {"w": [1, (2,)], "p": Point(1, None), "s": State(1, (2, 1))}
    assert namespace(prog) == {"Point": Point, "State": State}
    assert body_of(result=(u, v)) == ["return u, v"]
    assert body_of(result=(u,)) == ["return (u,)"]
    assert body_of(result=()) == ["return ()"]
    assert body_of() == ["pass"]


def test_parameters_of_every_kind():
    kinds = ["positional-only", "positional or keyword", "variadic positional", "keyword-only"]
    kinds += ["variadic keyword"]
    given = [ir.Parameter(name, kind) for name, kind in zip("abcde", kinds, strict=True)]
    given[1] = ir.Parameter("b", default=np.float32(0.5), has_default=True)
    hidden = {"scale": lambda: 2.0}
    head = "def f(a, /, b=np.float32(0.5), *c, d, scale, **e):"
    assert head in emit(program([], None, given, hidden=hidden))
    assert "def f(b=np.float32(0.5), *, scale):" in emit(
        program([], None, [given[1]], hidden=hidden)
    )
    assert "def f(a, /, *, d, scale):" in emit(
        program([], None, [given[0], given[3]], hidden=hidden)
    )
    assert "def f(*, scale, **e):" in emit(program([], None, [given[4]], hidden=hidden))


def test_a_program_is_emitted_the_same_each_time():
    prog = program([ir.Assign("y", call(unbroadcast, u, v))], ir.Var(ARRAY, "y"))
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from chainrule.source import ir\n"
        "from chainrule.source.emit import emit\n"
        "from test_emit import program, call, u, v, ARRAY, unbroadcast\n"
        "prog = program([ir.Assign('y', call(unbroadcast, u, v))], ir.Var(ARRAY, 'y'))\n"
        "print(emit(prog), end='')"
    )
    import pathlib

    folder = str(pathlib.Path(__file__).parent)
    found = subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, check=True
    )
    assert found.stdout == emit(prog)


# ---------------------------------------------------------------------------------- long lines


def long_names(count):
    return [ir.Var(ARRAY, f"{'long_name_of_a_variable'}_{k}") for k in range(count)]


def lines_of(expr):
    lines = body_of(ir.Assign("y", expr))
    assert all(len(line) <= 96 for line in lines)
    return lines


def test_a_long_sum_is_broken_at_its_signs():
    a, b, c, d = long_names(4)
    assert lines_of(plus(minus(plus(a, times(b, c)), d), negative(a))) == [
        "y = (",
        "    long_name_of_a_variable_0",
        "    + long_name_of_a_variable_1 * long_name_of_a_variable_2",
        "    - long_name_of_a_variable_3",
        "    + -long_name_of_a_variable_0",
        ")",
    ]


def test_a_long_sum_in_brackets_is_broken_within_them():
    a, b, c, _ = long_names(4)
    assert lines_of(call(np.divide, plus(plus(a, b), c), plus(a, lit(3.0)))) == [
        "y = (",
        "    long_name_of_a_variable_0 + long_name_of_a_variable_1 + long_name_of_a_variable_2",
        ") / (long_name_of_a_variable_0 + 3.0)",
    ]


def test_a_long_call_is_broken_at_its_arguments():
    a, b, c, d = long_names(4)
    assert lines_of(call(np.where, less(a, b), plus(a, c), d)) == [
        "y = np.where(",
        "    long_name_of_a_variable_0 < long_name_of_a_variable_1,",
        "    long_name_of_a_variable_0 + long_name_of_a_variable_2,",
        "    long_name_of_a_variable_3,",
        ")",
    ]


def test_a_long_argument_list_that_fits_on_a_line_of_its_own():
    a, b, c = long_names(3)
    lines = lines_of(call(np.linalg.multi_dot, a, b, c, kind=ARRAY))
    assert lines[1] == "    " + ", ".join(v.name for v in (a, b, c))


def test_a_long_tuple_is_put_in_brackets():
    given = [ir.Var(ARRAY, name.name) for name in long_names(5)]
    prog = program([], tuple(given), [v.name for v in given])
    assert emit(prog).splitlines()[-7:] == [
        "    return (",
        *(f"        {v.name}," for v in given),
        "    )",
    ]
    assert execute(prog, *range(5)) == (0, 1, 2, 3, 4)


def test_many_values_are_taken_back_in_lines_that_fit():
    values = [ir.Var(FLOAT, f"some_value_{k}") for k in range(9)]
    body = [*map(ir.Push, values), *map(ir.Pop, reversed(values))]
    text = emit(program(body, tuple(reversed(values)), [v.name for v in values]))
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("stack.pop()") == 9
    space = {}
    exec(text, space)
    assert space["f"](*range(9)) == tuple(range(8, -1, -1))


def test_text_in_quotes_is_not_broken():
    words = "no brackets ( here, and no - signs + either " * 4
    prog = program([ir.Effect(call(print, lit(words), x, kind=OBJECT))], None)
    assert repr(words)[1:-1] in emit(prog)
    ast.parse(emit(prog))


@given(st.integers(2, 40), st.randoms(use_true_random=False))
def test_a_broken_line_means_the_same(count, rnd):
    names = [f"a_rather_long_name_{k}" for k in range(4)]
    parts = [ir.Var(FLOAT, name) for name in names]
    for _ in range(count):
        a, b = rnd.choice(parts), rnd.choice(parts)
        fn = rnd.choice([np.add, np.subtract, np.multiply, np.negative, np.less, divmod, min, max])
        kind = FLOAT
        if fn is divmod:  # what is only a choice becomes a branch where the line is too long
            parts.append(call(np.negative, ir.Choice(FLOAT, a, b, a), kind=kind))
        elif fn is np.negative:
            parts.append(call(fn, a, kind=kind))
        else:
            parts.append(call(fn, a, b, kind=kind))
    expr = parts[-1]
    text = emit(program([ir.Assign("y", expr)], ir.Var(FLOAT, "y"), names))
    tree = ast.parse(text)
    (assigned,) = (s for s in ast.walk(tree) if isinstance(s, ast.Assign))
    one_line = ast.unparse(assigned)
    again = ast.unparse(ast.parse("y = " + text_of_one_line(expr)))
    assert one_line == again


def test_a_choice_that_is_too_long_for_a_line_is_a_branch():
    long = call(np.add, ir.Var(FLOAT, "a" * 40), ir.Var(FLOAT, "b" * 40), kind=FLOAT)
    body = [ir.Assign("y", ir.Choice(FLOAT, x, long, x))]
    text = emit(program(body, ir.Var(FLOAT, "y"), ["x", "a" * 40, "b" * 40]))
    assert "    if x:\n        y = aaa" in text
    assert "    else:\n        y = x\n" in text


def text_of_one_line(expr):
    from chainrule.source.names import Names
    from chainrule.source.spelling import Speller

    return Speller(Names([]))(expr)
