"""The supervised tree: its runtime (`runtime`), its messages (`messages.py`), its shape (`tree.py`), and one file per actor."""
