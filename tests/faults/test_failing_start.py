"""A start at which a call fails ends with a sentence or succeeds; the next one without faults is as if nothing had been."""

import pytest
from harness.server import StartFailed

from rig import kills, scene, tally, tracer
from test_kill_at_start import nothing  # noqa: F401  (a fixture)

SHARES = 3


def fail_at_start(prepared, call, number, error):
    with scene.Scene(prepared) as failing:
        failing.wrap = tracer.launched(f"{call}:error={error}:when={number}")
        tally.add("injected errors")
        try:
            failing.start()
            failing.kill()
        except StartFailed as ended:
            assert 0 < ended.status < 128, f"{call} {number} {error}: {ended}"
            assert "Sanitizer" not in ended.text and ended.text.strip(), f"{call} {number} {error}: no word of why\n{ended.text}"
        failing.come_back()


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_each_call_of_a_recovery_fails_once(share, error):
    for call, number in kills.calls_at_start(scene.cut_off())[share::SHARES]:
        if call not in ("write", "sendmsg"):
            fail_at_start(scene.cut_off(), call, number, error)


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_each_call_of_the_first_start_fails_once(nothing, error):  # noqa: F811
    for call, number in kills.calls_at_start(nothing):
        if call not in ("write", "sendmsg"):
            fail_at_start(nothing, call, number, error)
