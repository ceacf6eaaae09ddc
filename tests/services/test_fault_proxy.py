"""The middleman of the tests, between a real client and a real Redis (tests/running/fault_proxy.py)."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.running import redis_server, servers
from tests.running.fault_proxy import BOTH, Proxy, Trap, fault_proxy

Client = redis.Redis
LOST = (redis.ConnectionError, redis.TimeoutError)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    folder: Path = tmp_path_factory.mktemp("redis") / "data"
    folder.mkdir()
    started = redis_server.start(folder)
    assert started is not None
    servers.wait_until_it_answers(started)
    yield started
    servers.stop(started.process)


@pytest.fixture
def proxy(server: servers.Server) -> Iterator[Proxy]:
    with fault_proxy(urlsplit(server.url).port or 0) as running:
        yield running


@pytest.fixture
def client(proxy: Proxy) -> Iterator[Client]:
    """A client behind the proxy that asks once only."""
    with redis.Redis(port=proxy.port, socket_timeout=0.5, retry=Retry(NoBackoff(), 0)) as connected:
        connected.flushall()
        yield connected


@pytest.fixture
def direct(server: servers.Server) -> Iterator[Client]:
    with redis.Redis.from_url(server.url) as connected:
        yield connected


def test_what_passes_comes_through_in_full(client):
    client.set("key", "x" * 1_000_000)
    assert len(client.get("key")) == 1_000_000


def test_a_cut_is_noticed_and_the_next_connection_is_let_in(proxy, client):
    before = client.client_id()
    proxy.cut()
    assert client.client_id() != before


def test_closed_it_refuses_and_open_again_it_is_where_it_was(proxy, client):
    client.ping()
    proxy.close()
    for _ in range(2):
        with pytest.raises(redis.ConnectionError):
            client.ping()
    proxy.open()
    assert client.ping()


def test_a_black_hole_says_nothing_and_lets_nothing_through(proxy, client, direct):
    client.ping()
    proxy.swallowed = BOTH
    with pytest.raises(redis.TimeoutError):
        client.lpush("list", "lost")
    proxy.swallowed = frozenset()
    assert client.ping()
    assert direct.llen("list") == 0


def test_answers_alone_can_be_swallowed(proxy, client, direct):
    client.ping()
    proxy.swallowed = frozenset({"to the client"})
    with pytest.raises(redis.TimeoutError):
        client.lpush("list", "done")
    assert direct.llen("list") == 1


@pytest.mark.parametrize("passed_on", [True, False])
def test_a_trap_cuts_after_or_before_the_server_does_what_is_asked(passed_on, proxy, client, direct):
    trap = Trap(b"LPUSH", "to the server", passed_on=passed_on)
    proxy.traps = [trap]
    with pytest.raises(LOST):
        client.lpush("list", "value")
    assert direct.llen("list") == passed_on
    client.lpush("list", "value")
    assert direct.llen("list") == passed_on + 1
    assert trap.sprung == 1


def test_a_trap_on_the_way_back_loses_what_was_taken_from_a_list(proxy, client, direct):
    direct.lpush("list", "task")
    proxy.traps = [Trap(b"task", "to the client")]
    with pytest.raises(LOST):
        client.brpop("list", timeout=1)
    assert direct.llen("list") == 0


def test_it_follows_a_server_that_moves(proxy, client):
    port, proxy.target = proxy.target, servers.free_port()
    proxy.cut()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    proxy.target = port
    assert client.ping()
