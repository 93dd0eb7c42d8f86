"""All threads of a process share the cache's connections."""

from concurrent.futures import ThreadPoolExecutor

from lyricsite.cache_pool import ProcessPool, SharedCache

OPTIONS = {"OPTIONS": {"pool_class": "lyricsite.cache_pool.ProcessPool", "socket_timeout": 2}}


def pool_of(address: str, **options):
    """The pool that a cache of its own, as each thread has one, takes its connections from."""
    return SharedCache(address, OPTIONS | options)._cache._get_connection_pool(write=True)


def test_caches_of_one_address_share_one_pool_in_every_thread():
    with ThreadPoolExecutor(4) as threads:
        pools = {id(pool) for pool in threads.map(pool_of, ["redis://127.0.0.1:6379/9"] * 8)}
    assert len(pools) == 1


def test_another_address_or_other_options_have_a_pool_of_their_own():
    first = pool_of("redis://127.0.0.1:6379/9")
    assert pool_of("unix:///tmp/none.sock?db=0") is not first
    others = {"OPTIONS": OPTIONS["OPTIONS"] | {"socket_timeout": 3}}
    assert pool_of("redis://127.0.0.1:6379/9", **others) is not first
    assert isinstance(first, ProcessPool)


def test_a_client_is_made_once():
    first = SharedCache("redis://127.0.0.1:6379/9", OPTIONS)._cache
    again = SharedCache("redis://127.0.0.1:6379/9", OPTIONS)._cache
    assert first.get_client("a key") is first.get_client("another", write=True) is again.get_client()
