import gc

from pydantic import SecretStr

from gridloom.extract.circuit import Circuit, shared_circuit


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_it_opens_so_long_after_the_first_bad_answer_since_the_last_good_one():
    clock = Clock()
    circuit = Circuit(60, clock=clock)
    clock.now += 1000  # nothing was asked meanwhile
    assert circuit.bad("HTTP 500") == 60
    clock.now += 59
    assert circuit.bad("HTTP 500") == 1
    assert not circuit.answered
    circuit.good()
    assert circuit.answered
    assert circuit.bad("HTTP 503") == 60
    clock.now += 61
    assert circuit.bad("reset") == 0
    assert circuit.summary() == "HTTP 503; reset"


def test_without_patience_it_opens_at_once():
    assert Circuit(0).bad("x") == 0


def test_what_was_seen_is_summed_up():
    circuit = Circuit()
    for what, times in {"a": 3, "b": 1, "c": 2, "d": 2, "e": 1}.items():
        for _ in range(times):
            circuit.bad(what)
    assert circuit.summary() == "a (3 times); c (2 times); d (2 times); b; 1 others"


def test_who_asks_at_the_same_time_with_the_same_key_shares_it():
    one = shared_circuit("http://a", SecretStr("key"), 5)
    assert shared_circuit("http://a", SecretStr("key"), 7) is one
    assert one.give_up_after_s == 7
    assert shared_circuit("http://a", SecretStr("other"), 7) is not one
    assert shared_circuit("http://b", SecretStr("key"), 7) is not one
    one.good()
    del one
    gc.collect()
    # Later runs know nothing of earlier ones: a key may have been withdrawn.
    assert not shared_circuit("http://a", SecretStr("key"), 7).answered
