"""A catalogue that is lost, made anew from what lies in a real storage server."""

import json

import pytest

import test_hdfs
import test_s3_images
from harness.api import meta
from harness.payload import data
from harness.server import Server
from rig.background import written_behind

MIB = 1 << 20
SHOWN_ANEW = ("uri", "access_count", "accessed_at")


@pytest.fixture(params=["seaweedfs", "minio", "swift", "hdfs"])
def storage(request):
    """A configuration with one store in a real server, and the store's name."""
    server = request.getfixturevalue(request.param)
    if request.param == "hdfs":
        return test_hdfs.configuration(server), "hdfs"
    return test_s3_images.configuration(server), "s3"


def test_images_come_back_from_the_store_alone(storage):
    config, store = storage
    contents = {name: data(size, name) for name, size in (("small", 1000), ("large", 12 * MIB), ("gone", 500))}
    with Server(config=config) as server:
        root = server.api()
        images = {name: root.upload(content, name=name, tier="gold") for name, content in contents.items()}
        assert root.put(f"/images/{images['large']}", meta(tier="platinum", name="größer")).status == 200
        assert root.delete(f"/images/{images.pop('gone')}").status == 200
        written_behind(root, store)
        before = {image: root.get(f"/images/{image}/metadata").image for image in images.values()}
        server.kill()
        for path in server.data.glob("catalogue.db*"):
            path.unlink()

        done = server.cli(
            "server", "rebuild", "--data", server.data, "--config", server.folder / "visor-config.yml", "--from-store", store, "--verify",
            "--json", check=0)
        report = json.loads(done.stdout)["rebuild"]
        assert (report["images"], report["problem_count"]) == (2, 0)
        server.start()
        root = server.api()
        for name, image in images.items():
            after = root.get(f"/images/{image}/metadata").image
            assert {k: v for k, v in after.items() if k not in SHOWN_ANEW} == {k: v for k, v in before[image].items() if k not in SHOWN_ANEW}
            assert root.get(f"/images/{image}").body == contents[name]
            assert root.delete(f"/images/{image}").status == 200


def test_a_store_is_as_empty_as_before_when_its_images_are_gone(request):
    server = request.getfixturevalue("seaweedfs")
    assert server.keys() == [], "neither data nor a manifest is left of the test above"
