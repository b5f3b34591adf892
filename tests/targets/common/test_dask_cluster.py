"""The executor of a Dask cluster: an answer is an answer, lost work is asked for again, errors of the work pass."""

from concurrent.futures import CancelledError
from itertools import count

import pytest

from targets.common.dask_cluster import LOCAL, LOCAL_SETTINGS, MAX_LOSSES, ClusterExecutor, cluster_executor
from targets.errors import UserError


class LossyClient:
    """A client of whose tasks the first `losses` are lost, in the state that the cluster leaves them in."""

    def __init__(self, losses: int, state: str = "lost", status: str = "running") -> None:
        self.status = status
        self.asked = 0
        self.losses, self.state = losses, state

    def submit(self, function, *args, pure, **kwargs):
        assert pure is False  # the same work on the same tile is done as often as it is asked for
        self.asked += 1
        return Task(self, self.asked <= self.losses, lambda: function(*args, **kwargs))


class Task:
    def __init__(self, client, lost, call):
        self.client, self.lost, self.call, self.status = client, lost, call, "pending"

    def result(self):
        if self.lost:
            self.status = self.client.state
            raise CancelledError("lost")
        try:
            return self.call()
        except Exception:
            self.status = "error"
            raise


@pytest.mark.parametrize("state", ["lost", "cancelled", "pending"])
@pytest.mark.parametrize("losses", range(MAX_LOSSES))
def test_lost_work_is_asked_for_again(losses, state):
    client = LossyClient(losses, state)
    with ClusterExecutor(client) as executor:
        assert executor.submit(divmod, 7, 2).result(10) == (3, 1)
    assert client.asked == losses + 1


def test_what_is_lost_again_and_again_is_a_users_error():
    client = LossyClient(99)
    with ClusterExecutor(client) as executor, pytest.raises(UserError, match=f"lost a piece of work {MAX_LOSSES} t"):
        executor.submit(abs, 1).result(10)
    assert client.asked == MAX_LOSSES


def test_an_error_of_the_work_itself_is_raised_and_not_repeated():
    client = LossyClient(0)
    with ClusterExecutor(client) as executor, pytest.raises(ZeroDivisionError):
        executor.submit(divmod, 1, 0).result(10)
    assert client.asked == 1


def test_a_lost_connection_is_not_lost_work():
    client = LossyClient(99, status="connecting")
    with ClusterExecutor(client) as executor, pytest.raises(UserError, match="connection to the Dask scheduler"):
        executor.submit(abs, 1).result(10)
    assert client.asked == 1


@pytest.mark.slow
def test_a_worker_that_is_lost_just_after_its_answer(monkeypatch):
    """The message that a worker is gone arrives between a task's answer and the look at its state, every time."""
    distributed = pytest.importorskip("distributed")
    fetch, answers = distributed.Future._result, count()

    async def then_lost(self, *args, **kwargs):
        answer = await fetch(self, *args, **kwargs)
        next(answers)
        self._state.lose()
        return answer

    monkeypatch.setattr(distributed.Future, "_result", then_lost)
    with cluster_executor(LOCAL, 1, LOCAL_SETTINGS) as (executor, client):
        assert [executor.submit(divmod, n, 2).result(60) for n in range(3)] == [(0, 0), (0, 1), (1, 0)]
        assert next(answers) >= 3
        with pytest.raises(ValueError, match="not enough values to unpack"):  # why Dask's own is not used
            client.get_executor(pure=False).submit(divmod, 1, 2).result(60)
