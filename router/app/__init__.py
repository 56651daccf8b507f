"""The composition root: the one room that knows every other. Read `assembly.py` first."""

from router.app.assembly import Assembly, Parts
from router.app.dialects import CODECS, FRONT_DIALECT
from router.app.seats import kind_rules

__all__ = ["CODECS", "FRONT_DIALECT", "Assembly", "Parts", "kind_rules"]
