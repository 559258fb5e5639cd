"""Who waits for a fair lock gets it in turn, however fast its holder takes it again."""

import threading
import time

import pytest

from rsc_core.fair_lock import FairLock

WAIT_S = 10


def test_it_is_handed_over_in_the_order_of_arrival():
    lock, order, threads = FairLock(), [], []

    def take(name):
        with lock:
            order.append(name)

    lock.__enter__()
    for name in range(5):
        threads.append(threading.Thread(target=take, args=(name,)))
        threads[-1].start()
        deadline = time.monotonic() + WAIT_S
        while lock.waiting <= name and time.monotonic() < deadline:
            time.sleep(0.001)
    lock.__exit__(None, None, None)
    for thread in threads:
        thread.join(WAIT_S)
    assert order == [0, 1, 2, 3, 4] and lock.waiting == 0


def test_a_loop_that_takes_it_again_at_once_lets_others_in_between():
    lock, held, done = FairLock(), [], threading.Event()

    def loop():
        while not done.is_set():
            with lock:
                held.append(None)
                time.sleep(0.002)

    thread = threading.Thread(target=loop)
    thread.start()
    waits = []
    for _ in range(20):
        before = len(held)
        with lock:
            waits.append(len(held) - before)
    done.set()
    thread.join(WAIT_S)
    assert max(waits) <= 2  # the turn that was going on, and one that began before this one asked


def test_it_is_free_again_after_an_error():
    lock = FairLock()
    with pytest.raises(KeyError), lock:
        raise KeyError
    with lock:
        pass
