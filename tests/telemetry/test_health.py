"""The board: who is counted for what."""

from __future__ import annotations

import pytest

from router.canon.outcome import End
from router.errors import Reason
from router.telemetry.health import Board, HealthView
from router.telemetry.scores import Span
from tests.fakes.facts import attempt_ended, exchange_ended


def test_a_board_of_nothing_makes_nothing_up() -> None:
    """No request, no rate, no time, no provider."""
    assert Board(Span()).view(0.0, None) == HealthView()


def test_each_provider_has_its_own_score_and_last_error() -> None:
    """One provider's outage does not stain another."""
    board = Board(Span())
    board.add_attempt(attempt_ended(provider="good"), 5.0)
    board.add_attempt(attempt_ended(provider="bad", end=End.FAILED, reason=Reason.SERVER_ERROR), 5.0)
    providers = board.view(5.0, None).providers
    assert (providers["good"].health_score, providers["good"].last_error) == (1.0, None)
    assert providers["good"].avg_response_ms == pytest.approx(500.0)
    assert providers["bad"].health_score == pytest.approx(0.8)
    assert (providers["bad"].last_error, providers["bad"].last_error_at) == (Reason.SERVER_ERROR, 1_700_000_000.5)
    assert providers["bad"].avg_response_ms is None


def test_a_callers_mistake_moves_nothing_but_the_total() -> None:
    """It is a request; it is neither a success nor a failure of ours, nor of the provider."""
    board = Board(Span())
    board.add_attempt(attempt_ended(end=End.FAILED, reason=Reason.REJECTED), 5.0)
    board.add_exchange(exchange_ended(end=End.FAILED, reason=Reason.REJECTED), 5.0)
    view = board.view(5.0, None)
    assert (view.total_requests, view.success_rate) == (1, None)
    assert view.providers["main"].success_rate is None
    assert view.providers["main"].last_error is None


def test_the_rate_is_of_exchanges_not_of_attempts() -> None:
    """A failover that worked is a success, whatever it took."""
    board = Board(Span())
    board.add_attempt(attempt_ended(end=End.FAILED, reason=Reason.CONNECT), 5.0)
    board.add_attempt(attempt_ended(number=2, provider="other"), 5.0)
    board.add_exchange(exchange_ended(), 5.0)
    view = board.view(5.0, 3)
    assert (view.success_rate, view.in_flight) == (1.0, 3)
    assert view.avg_response_ms == pytest.approx(600.0)


def test_a_forgotten_provider_is_gone() -> None:
    """Its last error too."""
    board = Board(Span())
    board.add_attempt(attempt_ended(end=End.FAILED, reason=Reason.CONNECT), 5.0)
    board.forget("main")
    assert board.view(5.0, None).providers == {}


def test_a_board_fades_until_its_window_is_empty() -> None:
    """Then time alone changes nothing more and nobody need look."""
    board = Board(Span(window_s=300.0))
    assert not board.is_fading(0.0)
    board.add_exchange(exchange_ended(), 5.0)
    assert board.is_fading(200.0)
    assert not board.is_fading(320.0)
    assert board.view(320.0, None).total_requests == 1
