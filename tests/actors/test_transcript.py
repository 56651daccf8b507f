"""What an exchange leaves of its words, in virtual time."""

from __future__ import annotations

import pytest

from actors.messages import ReadEntries
from actors.runtime import run_virtual
from router.upstream.memory import in_turn
from tests.fakes.embedded import embedded, read


@pytest.mark.parametrize(("model", "kept"), [("m" * 2_000_000, "m" * 256), ("m\x00", "m")], ids=["long", "null"])
def test_a_model_that_nobody_has_is_kept_as_a_label(model: str, kept: str) -> None:
    """Whoever asks for it may write anything in its place: it must not grow beyond what a journal reads again."""

    async def main() -> None:
        async with embedded(in_turn(), transcripts={"enabled": True}) as router:
            assert (await read(router.open(model=model))).error is not None
            await router.assembly.system.ref("root/ledger").ask(ReadEntries())
            assert [row.model for row in router.account.store.said.values()] == [kept]

    run_virtual(main())
