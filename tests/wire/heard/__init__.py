"""The words that callers say, of each dialect that is heard."""
