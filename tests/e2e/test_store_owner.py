"""A store belongs to one catalogue: two servers, or two names of one server, in one place are refused at the start."""

import json
import socket

import pytest

from harness.payload import data
from harness.server import Server, StartFailed
from harness.wait import eventually


def in_folder(folder):
    return f"default_store: shared\nstores:\n  shared:\n    kind: file\n    directory: {folder}\n"


def marked(folder):
    """The store's mark as soon as there is one."""
    def marks():
        return [path for path in folder.rglob("manifests") if path.is_file()]

    eventually(lambda: len(marks()) == 1, "the store has its mark")
    return marks()[0].read_text()


def rebuilt(server, *arguments):
    done = server.cli("server", "rebuild", "--data", server.data, "--config", server.folder / "visor-config.yml", "--from-store", "shared",
                      "--json", *arguments, check=0)
    return json.loads(done.stdout)["rebuild"]


def refused(server):
    with pytest.raises(StartFailed) as caught:
        server.start()
    assert caught.value.status == 1
    assert "belongs to another catalogue" in caught.value.text
    assert "rebuild --from-store shared" in caught.value.text
    return True


def test_a_second_server_in_the_same_place_is_refused_and_the_first_one_does_not_notice(tmp_path):
    folder = tmp_path / "shared"
    with Server(config=in_folder(folder)) as first:
        image = first.api().upload(data(1000), name="of the first")
        mark = marked(folder)
        with pytest.raises(StartFailed) as caught:
            with Server(config=in_folder(folder)):
                pass
        assert "belongs to another catalogue" in caught.value.text
        assert marked(folder) == mark
        assert first.api().get(f"/images/{image}").body == data(1000)
        first.restart()
        assert marked(folder) == mark, "its manifests need not be written anew"
        assert first.api().get(f"/images/{image}").body == data(1000)


def test_a_rebuild_makes_the_store_that_of_the_new_catalogue(tmp_path):
    folder = tmp_path / "shared"
    with Server(config=in_folder(folder)) as lost, Server() as heir:
        image = lost.api().upload(data(1000), name="of the lost one")
        eventually(lambda: list(folder.rglob("*.manifest")), "the manifest is written")
        marked(heir.data)
        assert lost.stop() == 0
        assert heir.stop() == 0
        heir.config_text = in_folder(folder)
        assert refused(heir)
        assert rebuilt(heir)["images"] == 1
        heir.start()
        assert heir.api().get(f"/images/{image}").body == data(1000)
        # And back again, in the same way.
        assert refused(lost)
        assert heir.stop() == 0
        assert rebuilt(lost, "--merge")["known"] == 1
        lost.start()
        assert lost.api().get(f"/images/{image}").body == data(1000)
        assert refused(heir)


def test_two_stores_of_one_server_in_the_same_place_are_refused(tmp_path):
    folder, link = tmp_path / "shared", tmp_path / "link"
    # Two folders of one name are refused when the configuration is read.
    link.symlink_to(folder)
    both = in_folder(folder) + f"  again:\n    kind: file\n    directory: {link}\n"
    with Server(config=in_folder(folder)) as server:
        marked(folder)
        assert server.stop() == 0
        server.config_text = both
        with pytest.raises(StartFailed) as caught:
            server.start()
        assert "lie in one place" in caught.value.text
        server.config_text = in_folder(folder).replace("shared:", "renamed:").replace("default_store: shared", "default_store: renamed")
        server.start()


def test_a_store_that_does_not_answer_keeps_no_server_from_starting():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        config = f"""
stores:
  file: {{kind: file}}
  bucket: {{kind: s3, host: 127.0.0.1, port: {silent.getsockname()[1]}, tls: false, bucket: images, access_key: a, secret_key: b}}
"""
        with Server(config=config) as server:
            image = server.api().upload(data(1000), store="file")
            assert server.api().get(f"/images/{image}").body == data(1000)
