"""kill -9 at chosen system calls."""

import signal
import subprocess

from harness.server import StartFailed

from . import tally, tracer
from .ledger import Died
from .scene import Scene


def calls_at_work(prepared, work, thread):
    """[(call, n), ...]: what a pool's thread calls while the server does `work`, in places that matter."""
    with Scene(prepared) as scene:
        scene.start()
        log = scene.folder / "calls"
        with tracer.attached(scene, thread, log=log):
            work(scene)
        return sorted(flat(tracer.ordinals(log, scene.data)))


def calls_at_start(prepared):
    """The same for a start, whichever thread it is: strace counts for each alone, and the first one to get there dies."""
    with Scene(prepared) as scene:
        log = scene.folder / "calls"
        scene.wrap = tracer.recording(log)
        scene.start()
        scene.kill()
        return sorted(flat(tracer.ordinals(log, scene.data)))


def flat(found):
    return {(call, number) for calls in found.values() for call, numbers in calls.items() for number in numbers}


def kill_at_work(prepared, work, thread, call, number):
    """One point: dies there, comes back, keeps its promises. Returns whether the point was reached."""
    with Scene(prepared) as scene:
        scene.start()
        with tracer.attached(scene, thread, f"{call}:signal=KILL:when={number}"):
            try:
                work(scene)
            except Died:
                assert scene.died(), f"{call} {number}: the server does not answer, but lives"
        # What tells a client may be the last thing that the work does.
        reached = ended_by_kill(scene)
        tally.add("kill points")
        tally.add("kills", reached)
        scene.come_back()
        return reached


def ended_by_kill(scene):
    try:
        status = scene.process.wait(2 if scene.running() else 60)
    except subprocess.TimeoutExpired:
        scene.kill()
        return False
    scene.wait()
    scene.host = None
    # 0: it was asked to stop, and did before it came to the point.
    assert status in (0, -signal.SIGKILL), f"visord ended with {status}:\n{scene.log}"
    return status != 0


def kill_at_start(scene, call, number):
    """Starts the scene's server so that it dies. Returns whether it did; a server that came up is killed then."""
    scene.wrap = tracer.launched(f"{call}:signal=KILL:when={number}")
    tally.add("kill points")
    try:
        scene.start()
    except StartFailed as ended:
        assert ended.status == -signal.SIGKILL, str(ended)
        tally.add("kills")
        return True
    finally:
        scene.wrap = []
    scene.kill()
    return False
