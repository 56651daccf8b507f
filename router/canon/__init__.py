"""The one vocabulary that every dialect translates to: what is asked (`request`), what streams back (`event`), the
whole answer (`reply`), what it used (`usage`), where it goes (`target`) and how it ended (`outcome`). No I/O, no
imports of other rooms."""
