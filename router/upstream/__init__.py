"""Outbound I/O: how an attempt's bytes reach a provider and come back. One `Transport` protocol (`transport.py`), three
that carry it: `http.py` (aiohttp), `memory.py` (for tests and simulation, shipped) and `llama/` (a worker process)."""
