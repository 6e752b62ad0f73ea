"""Downloads by the visor command when the network breaks: resumed, verified, never half under the final name."""

import json
import re

import pytest

from harness.payload import data
from harness.proxy import BreakingProxy

SIZE = 4 * 1024 * 1024
CONTENT = data(SIZE, "download")


@pytest.fixture
def image(user):
    return user.upload(CONTENT, format="raw")


def through(proxy):
    return {"VISOR_ADDRESS": proxy.address}


def ranges(proxy):
    return [match.group(1).decode() for request in proxy.requests for match in re.finditer(rb"(?i)\r\nrange: *bytes=(\d+-)", bytes(request))]


def test_a_download_that_breaks_is_resumed_where_it_stopped(server, user, image, tmp_path):
    # The first connections may be for the metadata; every connection up to the fourth is cut after a megabyte.
    with BreakingProxy((server.host, server.port), cuts=[1024 * 1024] * 4) as proxy:
        for _ in range(10):
            done = server.cli("get", image, "-S", tmp_path, api=user, environment=through(proxy))
            assert not (tmp_path / f"{image}.raw").exists() or done.returncode == 0
            if done.returncode == 0:
                break
        assert done.returncode == 0, done
        assert (tmp_path / f"{image}.raw").read_bytes() == CONTENT
        assert ranges(proxy), "it asked for the rest and not for the whole again"
    assert [path.name for path in tmp_path.iterdir()] == [f"{image}.raw"], "no part is left over"


@pytest.mark.parametrize("cut", [0, 1, 100, 5000, 1024 * 1024, SIZE])
def test_a_download_that_cannot_be_finished_leaves_no_file_under_its_final_name(server, user, image, tmp_path, cut):
    with BreakingProxy((server.host, server.port), cuts=[cut] * 200) as proxy:
        done = server.cli("get", image, "-S", tmp_path, api=user, environment=through(proxy))
    final = tmp_path / f"{image}.raw"
    if done.returncode == 0:
        assert final.read_bytes() == CONTENT
    else:
        assert done.returncode in (1, 6), done
        assert not final.exists()


class SpoilingProxy(BreakingProxy):
    """Turns one byte over in each connection: the one at a fixed place of the answer."""

    PLACE = 2_000_000

    def outgoing(self, data, position):
        if position <= self.PLACE < position + len(data):
            data = bytearray(data)
            data[self.PLACE - position] ^= 1
        return bytes(data)


def test_bytes_that_were_changed_on_the_way_are_noticed(server, user, image, tmp_path):
    with SpoilingProxy((server.host, server.port)) as proxy:
        done = server.cli("get", image, "-S", tmp_path, api=user, environment=through(proxy))
    final = tmp_path / f"{image}.raw"
    if final.exists():
        assert final.read_bytes() == CONTENT and done.returncode == 0
    else:
        assert done.returncode == 1, done
        assert "digest" in done.stderr or "checksum" in done.stderr


def test_a_part_of_another_version_is_not_continued(server, user, tmp_path):
    first = user.upload(data(SIZE, "first"), format="raw")
    with BreakingProxy((server.host, server.port), cuts=[2 * 1024 * 1024] * 50) as proxy:
        server.cli("get", first, "-S", tmp_path, api=user, environment=through(proxy))
    for part in tmp_path.iterdir():
        content = part.read_bytes()
        part.write_bytes(bytes(len(content)))
    done = server.cli("get", first, "-S", tmp_path, api=user)
    final = tmp_path / f"{first}.raw"
    assert (done.returncode == 0 and final.read_bytes() == data(SIZE, "first")) or not final.exists()


def test_a_target_that_cannot_be_written_is_told(server, user, image, tmp_path):
    (tmp_path / "occupied").write_text("")
    done = server.cli("get", image, "-S", tmp_path / "occupied", api=user)
    assert done.returncode in (1, 2)
    assert "occupied" in done.stderr


def test_an_upload_that_breaks_says_so_and_leaves_an_image_that_takes_data_again(server, user, mark, tmp_path):
    (tmp_path / "image").write_bytes(CONTENT)
    with BreakingProxy((server.host, server.port), cuts=[0]) as proxy:
        done = server.cli("add", "name=n", "architecture=i386", f"mark={mark}", "-f", tmp_path / "image", api=user, environment=through(proxy))
    assert done.returncode in (0, 1, 6), done
    for entry in user.listed(f"mark={mark}", detail=True):
        assert entry["status"] in ("available", "error", "locked", "uploading")


def test_json_of_a_download_names_the_file(server, user, image, tmp_path):
    done = server.cli("get", image, "-S", tmp_path, "--json", api=user, check=0)
    if done.stdout.strip():
        assert f"{image}.raw" in json.dumps(json.loads(done.stdout))
