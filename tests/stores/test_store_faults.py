"""Faults between the server and a bucket: what was acknowledged stays, what was not leaves nothing."""

import concurrent.futures

import pytest

from harness.api import BINARY, meta
from harness.payload import data
from harness.raw import Wire, signed_head
from harness.wait import eventually
from rig.fault_proxy import (
    ALWAYS, Gate, hold_answer, lose_answer, refuse_with, reset_answer, reset_request, slow, stall_answer, stall_request,
    truncate, wrong_tag,
)
from rig.faulty_bucket import MIB, FaultyBucket, digest

SMALL, LARGE = data(3 * MIB + 1), data(24 * MIB + 5)
# What the server writes beside images, in the background, is left alone, or counting would be in vain.
ONE_OBJECT = r"^/images/(?![^?]*manifest)[^?]+$"
BEGIN, PART, COMPLETE = r"\?uploads", r"partNumber=2&", r"\?uploadId="
PATIENCE = 300


@pytest.fixture
def bucket(seaweedfs):
    with FaultyBucket(seaweedfs) as made:
        yield made


def begin_upload(bucket, content):
    return bucket.root.post("/images", [*meta(name="an image", architecture="x86_64"), BINARY], content)


def in_background(work, *arguments):
    return concurrent.futures.ThreadPoolExecutor(1).submit(work, *arguments)


# --- uploads ---

PASSING = {
    "the object's connection is reset": (SMALL, "PUT", ONE_OBJECT, reset_request(MIB), 1),
    "the object's answer is lost": (SMALL, "PUT", ONE_OBJECT, lose_answer(), 1),
    "the object is answered with 500": (SMALL, "PUT", ONE_OBJECT, refuse_with(500), 3),
    "the object is answered with 503": (SMALL, "PUT", ONE_OBJECT, refuse_with(503), 3),
    "the object is taken slowly": (SMALL, "PUT", ONE_OBJECT, slow(0.005), 1),
    "the check before it is answered with 503": (SMALL, "HEAD", ONE_OBJECT, refuse_with(503), 3),
    "the beginning's connection is reset": (LARGE, "POST", BEGIN, reset_request(0), 1),
    "the beginning's answer is lost": (LARGE, "POST", BEGIN, lose_answer(), 1),
    "the beginning's answer is truncated": (LARGE, "POST", BEGIN, truncate(60), 1),
    "the beginning is answered with 503": (LARGE, "POST", BEGIN, refuse_with(503), 3),
    "a part's connection is reset": (LARGE, "PUT", PART, reset_request(MIB), 2),
    "a part's answer is lost": (LARGE, "PUT", PART, lose_answer(), 2),
    "a part is answered with 500": (LARGE, "PUT", PART, refuse_with(500), 3),
    "a part is taken slowly": (LARGE, "PUT", PART, slow(0.005), 1),
    "the completion's answer is lost": (LARGE, "POST", COMPLETE, lose_answer(), 1),
    "the completion's answer is reset": (LARGE, "POST", COMPLETE, reset_answer(20), 1),
    "the completion's answer is truncated": (LARGE, "POST", COMPLETE, truncate(20), 1),
    "the completion is answered with 503": (LARGE, "POST", COMPLETE, refuse_with(503), 3),
}


@pytest.mark.parametrize("what", PASSING)
def test_an_upload_survives_a_fault_that_passes(bucket, what):
    content, method, target, fault, times = PASSING[what]
    bucket.proxy.on(method, target, fault, times=times)
    bucket.upload(content)
    bucket.assert_settles()


LASTING = {
    "the object's connection is reset": (SMALL, "PUT", ONE_OBJECT, reset_request(MIB)),
    "the object is answered with 503": (SMALL, "PUT", ONE_OBJECT, refuse_with(503)),
    "the object arrives altered": (SMALL, "PUT", ONE_OBJECT, wrong_tag()),
    "the beginning is answered with 500": (LARGE, "POST", BEGIN, refuse_with(500)),
    "the beginning's answer is lost": (LARGE, "POST", BEGIN, lose_answer()),
    "a part's connection is reset": (LARGE, "PUT", PART, reset_request(MIB)),
    "a part's answer is lost": (LARGE, "PUT", PART, lose_answer()),
    "a part is answered with 503": (LARGE, "PUT", PART, refuse_with(503)),
    "a part arrives altered": (LARGE, "PUT", PART, wrong_tag()),
    "the completion is answered with 503": (LARGE, "POST", COMPLETE, refuse_with(503)),
}


@pytest.mark.parametrize("what", LASTING)
def test_an_upload_that_a_fault_ends_leaves_nothing(bucket, what):
    content, method, target, fault = LASTING[what]
    before = bucket.upload(SMALL)
    bucket.proxy.on(method, target, fault, times=ALWAYS)
    refused = begin_upload(bucket, content)
    assert refused.status >= 500, refused
    assert bucket.download(before).body == SMALL
    bucket.assert_settles()


@pytest.mark.parametrize("what", LASTING)
def test_an_upload_that_cant_be_taken_back_at_once_is_taken_back_later(bucket, what):
    content, method, target, fault = LASTING[what]
    bucket.proxy.on(method, target, fault, times=ALWAYS)
    bucket.proxy.on("DELETE", "", refuse_with(503), times=ALWAYS)
    refused = begin_upload(bucket, content)
    assert refused.status >= 500, refused
    bucket.assert_settles()


def test_an_upload_of_unknown_length_that_a_fault_ends_is_charged_nothing(bucket):
    bucket.proxy.on("PUT", PART, refuse_with(503), times=ALWAYS)
    refused = begin_upload(bucket, [LARGE[:10 * MIB], LARGE[10 * MIB:]])
    assert refused.status == 503, refused
    bucket.assert_settles()
    bucket.upload(SMALL)
    bucket.assert_settles()


@pytest.mark.parametrize(
    "content, method, target", [(SMALL, "PUT", ONE_OBJECT), (LARGE, "POST", COMPLETE)], ids=["one PUT", "in parts"],
)
def test_an_upload_of_which_nobody_can_say_whether_it_is_there_leaves_nothing(bucket, content, method, target):
    """The object is stored, the answer is lost, and the server is not told when it asks."""
    bucket.proxy.on(method, target, lose_answer())
    bucket.proxy.on(method, target, refuse_with(503), nth=2, times=ALWAYS)
    bucket.proxy.on("HEAD", ONE_OBJECT, refuse_with(503), nth=2, times=ALWAYS)
    refused = begin_upload(bucket, content)
    assert refused.status == 503, refused
    bucket.assert_settles()


@pytest.mark.parametrize("content, target", [(SMALL, ONE_OBJECT), (LARGE, PART)], ids=["one PUT", "in parts"])
def test_an_upload_goes_on_behind_a_stall(bucket, content, target):
    gate = Gate()
    bucket.proxy.on("PUT", target, stall_request(gate, after=MIB))
    upload = in_background(bucket.upload, content)
    assert gate.reached.wait(PATIENCE)
    assert bucket.objects() == []
    gate.release()
    upload.result(PATIENCE)
    bucket.assert_settles()


@pytest.mark.parametrize("content, target", [(SMALL, ONE_OBJECT), (LARGE, PART)], ids=["one PUT", "in parts"])
def test_an_upload_whose_store_goes_away_leaves_nothing(bucket, content, target):
    gate = Gate()
    bucket.proxy.on("PUT", target, stall_request(gate, after=MIB))
    upload = in_background(begin_upload, bucket, content)
    assert gate.reached.wait(PATIENCE)
    bucket.proxy.refuse()
    refused = upload.result(PATIENCE)
    assert refused.status == 503, refused
    bucket.assert_settles()


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["one PUT", "in parts"])
def test_an_upload_to_a_store_that_is_not_there_is_told_so(bucket, content):
    bucket.proxy.refuse()
    refused = begin_upload(bucket, content)
    assert refused.status == 503, refused
    bucket.assert_settles()


def test_a_client_that_goes_away_while_a_part_is_under_way_leaves_nothing(bucket):
    gate = Gate()
    bucket.proxy.on("PUT", PART, stall_request(gate, after=MIB))
    root = bucket.root
    with Wire(bucket.server) as wire:
        headers = [*meta(name="broken off", architecture="i386"), BINARY]
        wire.send(signed_head(root, "POST", "/images", headers, [("Content-Length", str(2 * len(LARGE)))]))
        wire.send(LARGE)
        assert gate.reached.wait(PATIENCE)
        wire.reset()
    gate.release()
    eventually(lambda: len(root.listed("status=error")) == 1, "the image is in error", PATIENCE)
    bucket.assert_settles()


@pytest.mark.parametrize(
    "content, method, target", [(SMALL, "PUT", ONE_OBJECT), (LARGE, "PUT", PART), (LARGE, "POST", COMPLETE)],
    ids=["the object", "a part", "the completion"],
)
@pytest.mark.parametrize("done", [False, True], ids=["before", "behind"])
def test_a_server_that_is_killed_under_an_upload_leaves_nothing(bucket, content, method, target, done):
    """Before the store has the request, or when it has carried it out and the answer is on its way."""
    gate = Gate()
    bucket.proxy.on(method, target, hold_answer(gate) if done else stall_request(gate, after=0))
    upload = in_background(begin_upload, bucket, content)
    assert gate.reached.wait(PATIENCE)
    bucket.server.kill()
    assert isinstance(upload.exception(PATIENCE), OSError)
    # What the dead server has sent must not reach the store when the next one has tidied up.
    bucket.proxy.cut()
    bucket.proxy.heal()
    bucket.server.start()
    bucket.assert_settles()


# --- downloads ---

READ_WHOLE = {
    "is reset": (reset_answer(MIB), 1),
    "ends too early": (truncate(MIB), 1),
    "ends too early again and again": (truncate(MIB), ALWAYS),
    "is 500": (refuse_with(500), 3),
    "is 503": (refuse_with(503), 3),
    "comes slowly": (slow(0.002), 1),
}


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["one PUT", "in parts"])
@pytest.mark.parametrize("what", READ_WHOLE)
def test_a_reader_gets_the_whole_image_although_the_answer(bucket, what, content):
    fault, times = READ_WHOLE[what]
    image = bucket.upload(content)
    bucket.proxy.on("GET", ONE_OBJECT, fault, times=times)
    found = bucket.download(image)
    assert found.status == 200 and digest(found.body) == digest(content)
    part = bucket.download(image, [("Range", f"bytes={MIB - 5}-{2 * MIB + 4}")])
    assert (part.status, part.body) == (206, content[MIB - 5:2 * MIB + 5])
    bucket.assert_settles()


READ_BROKEN = {
    "nothing comes behind the first MiB": reset_answer(0),
    "the rest is refused": refuse_with(503),
    "the rest is another object's": wrong_tag(),
}


@pytest.mark.parametrize("what", READ_BROKEN)
def test_a_reader_sees_a_broken_connection_when(bucket, what):
    image = bucket.upload(LARGE)
    # A reset could take back what has come.
    bucket.proxy.on("GET", ONE_OBJECT, truncate(MIB))
    bucket.proxy.on("GET", ONE_OBJECT, READ_BROKEN[what], nth=2, times=ALWAYS)
    assert bucket.download(image) is None
    bucket.assert_settles()


@pytest.mark.parametrize("fault", [refuse_with(503), reset_answer(0), truncate(0)], ids=["busy", "reset", "truncated"])
def test_a_reader_is_told_that_the_store_does_not_answer(bucket, fault):
    image = bucket.upload(SMALL)
    bucket.proxy.on("GET", ONE_OBJECT, fault, times=ALWAYS)
    assert bucket.download(image).status == 503
    bucket.proxy.refuse()
    assert bucket.download(image).status == 503
    bucket.assert_settles()


def test_a_reader_waits_for_a_stalled_store(bucket):
    gate = Gate()
    image = bucket.upload(LARGE)
    bucket.proxy.on("GET", ONE_OBJECT, stall_answer(gate, after=MIB))
    download = in_background(bucket.download, image)
    assert gate.reached.wait(PATIENCE)
    gate.release()
    assert digest(download.result(PATIENCE).body) == digest(LARGE)
    bucket.assert_settles()


def test_a_reader_whose_store_goes_away_sees_a_broken_connection(bucket):
    gate = Gate()
    image = bucket.upload(LARGE)
    bucket.proxy.on("GET", ONE_OBJECT, stall_answer(gate, after=MIB))
    download = in_background(bucket.download, image)
    assert gate.reached.wait(PATIENCE)
    bucket.proxy.refuse()
    assert download.result(PATIENCE) is None
    bucket.assert_settles()


# --- removals ---

REMOVALS = {
    "is answered with 500": (refuse_with(500), 3),
    "is always answered with 503": (refuse_with(503), ALWAYS),
    "is done and its answer lost": (lose_answer(), 1),
    "is done and its answers always lost": (lose_answer(), ALWAYS),
    "is always reset": (reset_request(0), ALWAYS),
}


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["one PUT", "in parts"])
@pytest.mark.parametrize("what", REMOVALS)
def test_a_removed_image_is_gone_although_its_objects_removal(bucket, what, content):
    fault, times = REMOVALS[what]
    other, image = bucket.upload(SMALL), bucket.upload(content)
    bucket.proxy.on("DELETE", ONE_OBJECT, fault, times=times)
    bucket.remove(image)
    assert bucket.root.get(f"/images/{image}").status == 404
    assert bucket.download(other).body == SMALL
    bucket.assert_settles()


def test_a_removed_image_is_gone_although_its_store_is_away(bucket):
    image = bucket.upload(LARGE)
    bucket.proxy.refuse()
    bucket.remove(image)
    assert bucket.root.get(f"/images/{image}").status == 404
    bucket.assert_settles()
