"""Credentials that are fetched and renewed while the router runs, for kinds that take them in place of a key."""

from __future__ import annotations

from pathlib import Path

from router.settings.schema.keys import Keys, Name
from router.settings.secret import Secret


class EntraKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens of Microsoft's Entra ID. What is left out is taken from the variables that Azure's own tools read
    (`AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`, `AZURE_FEDERATED_TOKEN_FILE`); with neither a secret
    nor a token file it is the managed identity of the machine.

    Args:
        tenant_id: the directory; left out, `$AZURE_TENANT_ID`.
        client_id: the application, or a managed identity that is not the machine's own; left out, `$AZURE_CLIENT_ID`.
        client_secret: of the application; left out, `$AZURE_CLIENT_SECRET`.
        token_file: a file with the token of a workload identity, read anew each time; left out,
            `$AZURE_FEDERATED_TOKEN_FILE`.
        scope: what the tokens are for; older resources want `https://cognitiveservices.azure.com/.default`.
        authority: where tokens are had; other clouds have others. Left out, `$AZURE_AUTHORITY_HOST` or
            `https://login.microsoftonline.com`.
    """

    tenant_id: Name | None = None
    client_id: Name | None = None
    client_secret: Secret | None = None
    token_file: Path | None = None
    scope: Name = "https://ai.azure.com/.default"
    authority: Name | None = None


class GoogleKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens of Google's OAuth, by the library google-auth (extra `google`).

    Args:
        credentials_file: a service account's key, or any other file google-auth reads; left out, what Google's own
            tools find (`$GOOGLE_APPLICATION_CREDENTIALS`, gcloud's login, the machine's account).
        project: whose models and quota; needed unless `base_url` names it.
        location: a region, `us`, `eu` or `global`.
        quota_project: the project that is billed, where it is another one.
    """

    credentials_file: Path | None = None
    project: Name | None = None
    location: Name = "global"
    quota_project: Name | None = None


class AwsKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What requests to AWS are signed with, by botocore (extra `aws`). What is left out is found as AWS's own tools
    find it: environment, shared files, single sign-on, container, instance.

    Args:
        region: of the models; needed unless `base_url` names it.
        profile: of the shared configuration files; left out, `$AWS_PROFILE` or the default one.
        access_key_id: of a fixed key; both or neither of these two.
        secret_access_key: the other half.
        session_token: beside a fixed key that is a temporary one.
    """

    region: Name | None = None
    profile: Name | None = None
    access_key_id: Name | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
