"""The rule table: derivative rules as plain NumPy code. Importing it fills ``_core.TABLE``."""

from . import complex as complex
from . import constants as constants
from . import counting as counting
from . import elementwise as elementwise
from . import guarded as guarded
from . import indexing as indexing
from . import norms as norms
from . import products as products
from . import reductions as reductions
from . import selection as selection
from . import shape as shape
from . import sorting as sorting
