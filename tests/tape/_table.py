"""A list of functions with the arrays that they are checked on."""

import pytest


class Table(list):
    """Parameters of a test; ``@table.program(*args)`` enters a function."""

    def program(self, *args):
        def enter(f):
            self.append(pytest.param(f, args, id=f.__name__))
            return f

        return enter
