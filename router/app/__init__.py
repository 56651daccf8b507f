"""The composition root: the one room that knows every other. Read `assembly.py` first."""

from router.app.assembly import Assembly, Parts
from router.app.dialects import DIALECTS, FRONT_DIALECT
from router.app.seats import kind_rules

__all__ = ["DIALECTS", "FRONT_DIALECT", "Assembly", "Parts", "kind_rules"]
