"""The supervised tree: its runtime (`runtime`), its messages (`messages.py`), its shape (`tree.py`), a file per
actor."""
