"""Writes that do less than they were asked to, and calls that signals interrupt: done again until all is done."""

import pytest

from rig import injected, libraries, scene, tally


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return libraries.compiled("short_calls", tmp_path_factory.mktemp("library"))


@pytest.mark.without_strace
def test_short_and_interrupted_calls_change_nothing(library):
    with scene.Scene(scene.plain()) as short:
        short.environment["LD_PRELOAD"] = str(library)
        short.start()
        client = short.client()
        for _ in range(2):
            injected.everything(client)
        assert short.stop() == 0
        assert "short calls were made" in short.log
        tally.add("injected errors")
        del short.environment["LD_PRELOAD"]
        short.come_back()


@pytest.mark.without_strace
def test_a_first_start_with_short_and_interrupted_calls(library):
    with scene.Scene() as short:
        short.environment["LD_PRELOAD"] = str(library)
        short.start()
        scene.fill(short.client())
        assert short.stop() == 0
        tally.add("injected errors")
        del short.environment["LD_PRELOAD"]
        short.come_back()
