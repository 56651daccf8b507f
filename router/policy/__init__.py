"""Pure choices: where to go, whether again, when not. Functions over snapshots, given `now`; no I/O, no clock."""
