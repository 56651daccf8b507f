"""Who calls: the client key that a request came with, and what it may do. Never the key itself."""

from __future__ import annotations

from fnmatch import fnmatchcase

from msgspec import Struct

from router.canon.caching import UNSAID, CacheScope


class Caller(Struct, frozen=True, kw_only=True):
    """One client key.

    Args:
        id: its name; "" where no key was asked for. It stands in the ledger, the logs and the audit.
        owner: whose it is.
        group: keys of one group are one tenant.
        models: names it may ask for, where `*` stands for anything; None: all.
        endpoints: paths it may use; None: all.
        cache: whether it is answered from kept answers, and its own are kept; a no is final.
        keeps: whether conversations of it may be kept here.
        transcripts: whether its questions and answers are kept beside the account; None: as the server says.
    """

    id: str = ""
    owner: str = ""
    group: str = ""
    models: tuple[str, ...] | None = None
    endpoints: tuple[str, ...] | None = None
    cache: CacheScope = UNSAID
    keeps: bool = True
    transcripts: bool | None = None

    @property
    def tenant(self) -> str:
        """With whom it shares what is kept: its group, or nobody. A group and a key of one name are two."""
        if self.group:
            return f"group {self.group}"
        return f"key {self.id}" if self.id else ""

    def may_ask_for(self, model: str) -> bool:
        """Whether that name exists for it."""
        return self.models is None or any(fnmatchcase(model, pattern) for pattern in self.models)

    def may_use(self, path: str) -> bool:
        """Whether that path, or what lies below it, is open to it."""
        return self.endpoints is None or any(path == one or path.startswith(f"{one}/") for one in self.endpoints)


NOBODY = Caller()
"""Who calls where no key was asked for: whoever reaches the router."""
