"""Requests to AWS that carry no key: signed with credentials that botocore finds where AWS's own tools find them.

botocore is no dependency of its own: the extra `aws` brings it. Signing blocks, since credentials may have to be read
from files or asked of the machine, and renewed: so it is done beside the loop.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, read 2026-11.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from router.errors import Reason, WireFault
from router.upstream.transport import Transport, UpstreamReply, UpstreamRequest

Sign = Callable[[UpstreamRequest], UpstreamRequest]

_REGION = re.compile(r"(?<![a-z0-9-])[a-z]{2}(?:-[a-z]+)+-\d(?=\.)")
"""A region as a part of a host's name, as in `bedrock-runtime.eu-west-1.amazonaws.com`."""

_SIGNED = frozenset({"content-type"})
"""Headers that are signed beside the host and the date; proxies may touch all others."""


class SigningTransport:
    """Another transport whose requests are signed on their way. See `transport.Transport` for what it promises."""

    def __init__(self, inner: Transport, sign: Sign) -> None:
        self._inner = inner
        self._sign = sign

    async def start(self) -> None:
        """As the other one's; credentials are looked for with the first request, and may come later."""
        await self._inner.start()

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[UpstreamReply]:
        """Sign in a thread, then send: a signature holds for these very bytes and for five minutes."""
        signed = await asyncio.to_thread(self._sign, request)
        async with self._inner.send(signed) as reply:
            yield reply

    async def stop(self) -> None:
        """As the other one's."""
        await self._inner.stop()


class AwsRules(Struct, frozen=True, kw_only=True):
    """What to sign with; what is None is found as AWS's own tools find it. See `settings.schema.grants`."""

    region: str | None = None
    profile: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None


class SigV4:
    """Signs requests for one AWS service by signature version 4. Safe to call from several threads.

    Args:
        service: its name in signatures.
        now: epoch seconds.
    """

    def __init__(self, service: str, now: Callable[[], float], rules: AwsRules | None = None) -> None:
        self._service = service
        self._now = now
        self._rules = rules or AwsRules()
        self._lock = Lock()
        self._session: Any = None

    def __call__(self, request: UpstreamRequest) -> UpstreamRequest:
        """The request with its signature.

        Raises:
            WireFault: CREDENTIAL where there are no credentials, or no region to sign for.
        """
        session = self._started()
        try:
            found = session.get_credentials()
            credentials = found.get_frozen_credentials() if found is not None else None
            region = region_of(request.url) or self._rules.region or session.get_config_variable("region")
        except import_module("botocore.exceptions").BotoCoreError as error:
            raise WireFault(Reason.CREDENTIAL, f"AWS credentials cannot be had: {type(error).__name__}") from error
        if credentials is None:
            raise WireFault(Reason.CREDENTIAL, "no AWS credentials were found, and no key is configured")
        if not region:
            raise WireFault(Reason.CREDENTIAL, "neither the base URL nor AWS_REGION names an AWS region")
        return signed(request, credentials, region=region, service=self._service, at=self._now())

    def _started(self) -> Any:
        """botocore's session, made once: it remembers credentials and renews them."""
        with self._lock:
            if self._session is None:
                try:
                    self._session = _session(import_module("botocore.session"), self._rules)
                except ImportError as error:
                    missing = "requests without a key are signed by botocore: pip install pointsman[aws]"
                    raise WireFault(Reason.INTERNAL, missing) from error
            return self._session


def _session(botocore: Any, rules: AwsRules) -> Any:
    """botocore's session with what was configured; what was not it looks for itself."""
    session = botocore.Session(profile=rules.profile)
    if rules.access_key_id and rules.secret_access_key:
        session.set_credentials(rules.access_key_id, rules.secret_access_key, rules.session_token)
    return session


def region_of(url: str) -> str | None:
    """The AWS region that a URL's host names; None for a host of one's own."""
    found = _REGION.search(urlsplit(url).hostname or "")
    return found[0] if found else None


def signed(request: UpstreamRequest, credentials: Any, *, region: str, service: str, at: float) -> UpstreamRequest:
    """The request with date, token and signature. botocore's own entry would take the time from the machine.

    Args:
        credentials: botocore's, frozen.
        at: epoch seconds.
    """
    signer = import_module("botocore.auth").SigV4Auth(credentials, service, region)
    added = {"X-Amz-Date": datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")}
    if credentials.token:
        added["X-Amz-Security-Token"] = credentials.token
    headers = {name: value for name, value in request.headers if name.lower() in _SIGNED} | added
    draft = import_module("botocore.awsrequest").AWSRequest(
        method=request.method, url=request.url, headers=headers, data=request.body
    )
    draft.context["timestamp"] = added["X-Amz-Date"]
    signature = signer.signature(signer.string_to_sign(draft, signer.canonical_request(draft)), draft)
    names = signer.signed_headers(signer.headers_to_sign(draft))
    said = f"AWS4-HMAC-SHA256 Credential={signer.scope(draft)}, SignedHeaders={names}, Signature={signature}"
    return replace(request, headers=(*request.headers, *added.items(), ("Authorization", said)))
