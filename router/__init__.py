"""Pointsman, the product: an LLM router that keeps answering. Start at `app.py` for the whole, `api.py` to embed it."""
