"""A database server for the tests that need one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.postgres import Cluster, Database


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Started by the first test that asks."""
    cluster = Cluster()
    yield cluster
    cluster.stop()


@pytest.fixture
def database(cluster: Cluster) -> Database:
    """An empty one."""
    return cluster.fresh()
