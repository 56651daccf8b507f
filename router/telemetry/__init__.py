"""What an operator sees: one table of metrics (`metrics`, counted in `meter`), health scores (`scores`), spans
(`traces`, given to one of `sinks`, sent by `otlp`) and JSON log lines (`logs`, scrubbed by `scrub`, written by
`writer`). Everything is made afterwards, in batches, from the facts requests emit (`facts`). Nothing here is global:
two routers in one process do not meet. No imports of other rooms than errors and canon."""
