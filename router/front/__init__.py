"""Inbound I/O: HTTP in, exchanges out. `routes.py` says which path leads where; handlers are thin; `delivery.py` writes
an exchange to a connection; `guard.py` is the outermost layer, where every error becomes a body in the caller's
dialect."""
