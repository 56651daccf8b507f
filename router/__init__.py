"""Pointsman, the product: an LLM router that keeps answering. Start at `app` for the whole, `api.py` to embed it."""
