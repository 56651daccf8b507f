"""`python -m tests.fakes.doomed serve --config FILE`: the router's own command, whose ledger crashes without end."""

from __future__ import annotations

from router.app import Assembly
from router.cli import main, serve


class Doomed(Assembly):
    """As the real one, but once it has started, poison goes to the ledger until the root gives up."""

    async def start(self) -> None:
        """Start, and begin to poison."""
        await super().start()
        ledger = self.system.ref("root/ledger")
        for _ in range(20):
            ledger.tell(object())


if __name__ == "__main__":
    vars(serve)["Assembly"] = Doomed
    main()
