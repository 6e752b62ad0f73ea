"""The visor command on images: every command, its documents and its exit statuses."""

import json
import re

import pytest

from harness.payload import data, iso, sha256

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DONE, FAILED, USAGE, NOT_FOUND, NOT_PERMITTED, CONFLICT, UNREACHABLE = 0, 1, 2, 3, 4, 5, 6
ABSENT = "00000000-0000-4000-8000-000000000000"


def add(server, user, *arguments, **more):
    done = server.cli("add", "name=cli", "architecture=x86_64", *arguments, api=user, check=DONE, **more)
    return UUID.search(done.stdout).group()


def as_json(done):
    return json.loads(done.stdout)


def images(done):
    document = as_json(done)
    return document["images"] if isinstance(document, dict) else document


def image_of(done):
    document = as_json(done)
    return document.get("image", document)


def test_add_without_data_registers(server, user):
    image = add(server, user, "free=yes")
    assert user.head(f"/images/{image}").meta["free"] == "yes"
    assert user.status_of(image) == "locked"


def test_add_with_a_file_uploads_it(server, user, tmp_path):
    (tmp_path / "image.iso").write_bytes(iso(3_000_000))
    image = add(server, user, "format=iso", "-f", tmp_path / "image.iso")
    assert user.get(f"/images/{image}").body == iso(3_000_000)


def test_add_shows_the_image_as_json_when_asked(server, user):
    done = server.cli("add", "name=j", "architecture=i386", "--json", api=user, check=DONE)
    assert image_of(done)["name"] == "j"


def test_brief_lists_and_filters_and_sorts(server, user, mark):
    for name in ("bravo", "alpha", "charlie"):
        user.register(name=name, mark=mark, kind="odd" if name == "bravo" else "even")
    listed = server.cli("brief", "-q", f"mark={mark}", "-s", "name", api=user, check=DONE).stdout
    assert [name for name in re.findall(r"alpha|bravo|charlie", listed)] == ["alpha", "bravo", "charlie"]
    down = server.cli("brief", "-q", f"mark={mark}", "-s", "name", "-d", "desc", "--json", api=user, check=DONE)
    assert [entry["name"] for entry in images(down)] == ["charlie", "bravo", "alpha"]
    both = server.cli("brief", "-q", f"mark={mark}&kind=odd", "--json", api=user, check=DONE)
    assert [entry["name"] for entry in images(both)] == ["bravo"]


def test_the_long_forms_of_the_options(server, user, mark):
    user.register(name="long", mark=mark)
    done = server.cli("brief", "--query", f"mark={mark}", "--sort", "name", "--dir", "asc", "--json", api=user, check=DONE)
    assert [entry["name"] for entry in images(done)] == ["long"]


def test_an_empty_list_is_no_error(server, user, mark):
    assert images(server.cli("brief", "-q", f"mark={mark}", "--json", api=user, check=DONE)) == []
    server.cli("brief", "-q", f"mark={mark}", api=user, check=DONE)


def test_detail_shows_free_attributes(server, user, mark):
    user.register(mark=mark, colour="purple")
    assert "purple" in server.cli("detail", "-q", f"mark={mark}", api=user, check=DONE).stdout
    (entry,) = images(server.cli("detail", "-q", f"mark={mark}", "--json", api=user, check=DONE))
    assert entry["colour"] == "purple"


def test_head_shows_one_image(server, user):
    image = user.register(colour="green")
    text = server.cli("head", image, api=user, check=DONE).stdout
    assert image in text and "green" in text
    assert image_of(server.cli("head", image, "--json", api=user, check=DONE))["colour"] == "green"


def test_get_saves_under_the_id_and_the_format(server, user, tmp_path):
    content = data(2_000_000, "get")
    image = user.upload(content, format="raw")
    server.cli("get", image, "-S", tmp_path, api=user, check=DONE)
    assert [path.name for path in tmp_path.iterdir()] == [f"{image}.raw"]
    assert sha256((tmp_path / f"{image}.raw").read_bytes()) == sha256(content)


def test_get_without_a_folder_saves_here(server, user, tmp_path):
    image = user.upload(b"here", format="raw")
    server.cli("get", image, api=user, check=DONE, cwd=tmp_path)
    assert (tmp_path / f"{image}.raw").read_bytes() == b"here"


def test_update_changes_attributes_and_uploads(server, user, tmp_path):
    image = user.register(name="before")
    server.cli("update", image, "name=after", "extra=1", api=user, check=DONE)
    known = user.head(f"/images/{image}").meta
    assert (known["name"], known["extra"]) == ("after", "1")
    (tmp_path / "late").write_bytes(b"late data")
    server.cli("update", image, "-f", tmp_path / "late", api=user, check=DONE)
    assert user.get(f"/images/{image}").body == b"late data"


def test_delete_takes_several(server, user):
    doomed = [user.register() for _ in range(3)]
    server.cli("delete", *doomed, api=user, check=DONE)
    assert {user.head(f"/images/{image}").status for image in doomed} == {404}


def test_delete_by_query_deletes_what_matches_and_nothing_else(server, user, other, mark):
    doomed = [user.register(mark=mark, fate="delete") for _ in range(3)]
    spared = user.register(mark=mark, fate="keep")
    foreign = other.register(mark=mark, fate="delete", access="private")
    server.cli("delete", "-q", f"mark={mark}&fate=delete", api=user, check=DONE)
    assert {user.head(f"/images/{image}").status for image in doomed} == {404}
    assert user.head(f"/images/{spared}").status == 200
    assert other.head(f"/images/{foreign}").status == 200


def test_values_with_blanks_equals_signs_and_unicode(server, user):
    image = add(server, user, "free=a = b & c", "word=Ünïcode 像", "empty-ish= x ")
    known = user.head(f"/images/{image}").meta
    assert (known["free"], known["word"]) == ("a = b & c", "Ünïcode 像")


# --- exit statuses and messages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["head", ABSENT], ["get", ABSENT], ["update", ABSENT, "name=x"], ["delete", ABSENT]])
def test_what_is_not_there_ends_with_3(server, user, arguments):
    done = server.cli(*arguments, api=user, check=NOT_FOUND)
    assert done.stderr.strip()


@pytest.mark.parametrize(
    "arguments",
    [["frobnicate"], ["head"], ["get"], ["brief", "--no-such-option"], ["add", "no-equals-sign"], ["update", ABSENT], ["delete"], ["brief", "-d", "sideways"]],
)
def test_wrong_usage_ends_with_2_and_a_hint(server, user, arguments):
    done = server.cli(*arguments, api=user)
    assert done.returncode in (USAGE, FAILED), done
    assert done.returncode == USAGE, done
    assert done.stderr.strip()


def test_no_command_at_all_shows_the_help(server, user):
    done = server.cli(api=user)
    assert done.returncode in (DONE, USAGE)
    assert "brief" in done.stdout + done.stderr


def test_an_invalid_attribute_ends_with_1_and_the_servers_sentence(server, user):
    done = server.cli("add", "name=n", "architecture=z80", api=user)
    assert done.returncode == FAILED, done
    assert "z80" in done.stderr or "architecture" in done.stderr


def test_a_file_that_is_not_there_registers_nothing(server, user, mark, tmp_path):
    done = server.cli("add", "name=n", "architecture=i386", f"mark={mark}", "-f", tmp_path / "absent", api=user)
    assert done.returncode in (FAILED, USAGE)
    assert "absent" in done.stderr
    assert user.listed(f"mark={mark}") == []


def test_what_is_not_permitted_ends_with_4(server, user, other):
    public = other.register(access="public")
    server.cli("delete", public, api=user, check=NOT_PERMITTED)
    wrong = user.__class__(user.host, user.port, user.access_key, "wrong", "sigv4")
    server.cli("brief", api=wrong, check=NOT_PERMITTED)


def test_a_conflict_ends_with_5(server, user, tmp_path):
    (tmp_path / "second").write_bytes(b"second")
    server.cli("update", user.upload(b"first"), "-f", tmp_path / "second", api=user, check=CONFLICT)


def test_an_unreachable_server_ends_with_6_and_names_it(server, user):
    done = server.cli("brief", api=user, environment={"VISOR_ADDRESS": "http://127.0.0.1:1"}, check=UNREACHABLE)
    assert "127.0.0.1:1" in done.stderr


def test_address_and_port_as_options_and_in_the_environment(server, user):
    server.cli("brief", "-a", "127.0.0.1", "-p", server.port, api=user, environment={"VISOR_ADDRESS": "http://127.0.0.1:1"}, check=DONE)
    server.cli("brief", api=user, environment={"VISOR_ADDRESS": "127.0.0.1", "VISOR_PORT": str(server.port)}, check=DONE)


def test_help_and_version(server, user):
    assert "0." in server.cli("-V", api=user, check=DONE).stdout
    for command in ("brief", "detail", "head", "get", "add", "update", "delete"):
        text = server.cli("help", command, api=user, check=DONE).stdout
        assert f"visor {command}" in text, "an example"
        assert server.cli(command, "-h", api=user, check=DONE).stdout


def test_errors_and_progress_stay_out_of_standard_output(server, user, tmp_path):
    image = user.upload(data(1_000_000), format="raw")
    done = server.cli("get", image, "-S", tmp_path, "--json", api=user, check=DONE)
    if done.stdout.strip():
        json.loads(done.stdout)
    failed = server.cli("head", ABSENT, api=user, check=NOT_FOUND)
    assert failed.stdout == ""


def test_no_secret_is_shown_even_when_verbose(server, user):
    done = server.cli("brief", "-v", api=user, check=DONE)
    assert user.secret not in done.stdout + done.stderr
    broken = server.cli("brief", "-v", api=user.__class__(user.host, user.port, user.access_key, "not-the-secret-1234", "sigv4"))
    assert "not-the-secret-1234" not in broken.stdout + broken.stderr


def test_without_keys_it_says_what_to_set(server):
    done = server.cli("brief", api=server.api().anonymous(), environment={"VISOR_ACCESS_KEY": "", "VISOR_SECRET_KEY": ""})
    assert done.returncode != DONE
    assert "VISOR_ACCESS_KEY" in done.stderr or "access key" in done.stderr


def test_a_profile_supplies_address_and_keys(server, user):
    home = server.folder / "home-of-a-profile"
    (home / ".visor").mkdir(parents=True, exist_ok=True)
    (home / ".visor" / "profiles.yml").write_text(
        f"test:\n  address: {server.address}\n  access_key: {user.access_key}\n  secret_key: {user.secret}\n"
    )
    (home / ".visor" / "profiles.yml").chmod(0o600)
    done = server.cli("--profile", "test", "brief", api=user, environment={"HOME": str(home), "VISOR_ADDRESS": "", "VISOR_ACCESS_KEY": "", "VISOR_SECRET_KEY": ""})
    assert done.returncode == DONE, done
