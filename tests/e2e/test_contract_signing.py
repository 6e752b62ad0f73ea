"""Who signed: the VISOR scheme, AWS Signature Version 4 in its forms, and everything that must not pass."""

import pytest

from harness import settings, signing
from harness.api import BINARY, Api, meta
from harness.payload import data
from harness.server import Server


def refused(response):
    assert response.status == 403, response
    assert response.json["code"] == 403
    assert response.message
    return response


def test_a_request_without_a_signature_is_403(root):
    refused(root.anonymous().get("/images"))


def test_an_unknown_key_and_a_wrong_secret_answer_alike(user):
    texts = set()
    for scheme in ("visor", "sigv4"):
        for key, secret in ((user.access_key, "wrong"), ("nobody-knows-me", user.secret)):
            response = refused(Api(user.host, user.port, key, secret, scheme).get("/images"))
            texts.add(response.message.replace(key, "KEY"))
        assert len(texts) == 1, texts
        texts.clear()


@pytest.mark.parametrize("scheme", ["visor", "sigv4"])
def test_a_changed_header_path_or_method_breaks_the_signature(user, scheme):
    api = user.using(scheme)
    image = api.register(name="signed")
    good = api.signed("PUT", f"/images/{image}", meta(name="renamed"))
    changed = [(name, "forged" if name == "x-image-meta-name" else value) for name, value in good]
    unsigned = api.anonymous()
    refused(unsigned.put(f"/images/{image}", changed))
    refused(unsigned.put("/images/other", good))
    refused(unsigned.delete(f"/images/{image}", good))
    assert api.head(f"/images/{image}").meta["name"] == "signed"


def test_an_attribute_added_to_a_signed_request_is_refused_by_the_visor_scheme(user):
    api = user.using("visor")
    good = api.signed("POST", "/images", meta(name="n", architecture="i386"))
    refused(api.anonymous().post("/images", [*good, ("x-image-meta-extra", "1")]))


def test_an_attribute_added_to_a_signed_request_is_refused_by_sigv4_too(user):
    good = user.signed("POST", "/images", meta(name="n", architecture="i386"))
    refused(user.anonymous().post("/images", [*good, ("x-image-meta-extra", "1")]))


@pytest.mark.parametrize("value", [
    "VISOR", "VISOR ", "VISOR a", "VISOR :", "VISOR a:", "VISOR :b", "Basic YTpi", "Bearer x", "visor a:b", "VISOR a:b:c",
    "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=, Signature=",
    "AWS4-HMAC-SHA256 Credential=a/20240101/r/visor/aws4_request, SignedHeaders=host, Signature=zz", "\u00e9", "," * 5000,
])
def test_a_header_that_makes_no_sense_is_a_refusal_and_nothing_worse(user, value):
    response = user.anonymous().get("/images", [("Authorization", value), ("Date", signing.http_date())])
    assert response.status in (400, 403), response


def test_the_date_window_of_the_visor_scheme(user):
    for offset, passes in ((0, True), (-600, True), (600, True), (-1200, False), (1200, False), (-86400 * 400, False)):
        sign = signing.visor(user.access_key, user.secret, date=signing.http_date(offset))
        response = user.get("/images", sign=sign)
        assert (response.status == 200) == passes, (offset, response)
        if not passes:
            refused(response)


@pytest.mark.parametrize("date", ["", "yesterday", "2012-06-15", "Fri, 99 Jun 2012 21:05:20 GMT"])
def test_a_date_that_is_none_is_refused(user, date):
    refused(user.get("/images", sign=signing.visor(user.access_key, user.secret, date=date or " ")))


def test_a_date_with_another_zone_is_the_same_moment(user):
    import datetime
    import email.utils

    zone = datetime.timezone(datetime.timedelta(hours=1))
    date = email.utils.format_datetime(datetime.datetime.now(zone))
    assert user.get("/images", sign=signing.visor(user.access_key, user.secret, date=date)).status == 200


def test_the_visor_scheme_can_be_switched_off():
    with Server(config=settings.VISOR_SCHEME_OFF) as server:
        assert refused(server.api(scheme="visor").get("/images"))
        assert server.api().get("/images").status == 200


# --- AWS Signature Version 4 ------------------------------------------------------------------------------------------


def test_the_date_window_of_sigv4(user):
    for offset, passes in ((-600, True), (600, True), (-1200, False), (1200, False)):
        sign = signing.sigv4(user.access_key, user.secret, user.address, offset_seconds=offset)
        assert (user.get("/images", sign=sign).status == 200) == passes, offset


def test_sigv4_covers_the_query(user):
    good = user.signed("GET", "/images?name=a")
    refused(user.anonymous().get("/images?name=b", good))


@pytest.mark.parametrize("query", ["name=a%20b", "b=2&a=1", "name=%C3%A9", "a=1&a=2", "flag", "x=%2F%3D%26", "a-b_c.d~e=1"])
def test_a_query_of_any_kind_can_be_signed(user, query):
    assert user.get(f"/images?{query}").status in (200, 400)


def test_sigv4_for_another_service_is_refused(user):
    good = user.signed("GET", "/images")
    spoilt = [(name, value.replace("/visor/", "/s3/")) for name, value in good]
    refused(user.anonymous().get("/images", spoilt))


def test_the_payload_must_have_the_signed_hash(user, mark):
    headers = [*meta(name="n", architecture="i386", mark=mark), BINARY]
    wrong = signing.sigv4(user.access_key, user.secret, user.address, payload="0" * 64)
    response = user.post("/images", headers, b"data", sign=wrong)
    assert response.status in (400, 403), response
    assert all(entry["status"] in ("error", "locked") for entry in user.listed(f"mark={mark}", detail=True))


def unsigned_upload(api):
    headers = [*meta(name="n", architecture="i386"), BINARY]
    sign = signing.sigv4(api.access_key, api.secret, api.address, payload=signing.UNSIGNED)
    return api.post("/images", headers, b"data", sign=sign)


def test_an_unsigned_payload_over_plain_http_is_refused_unless_configured(user):
    refused(unsigned_upload(user))
    with Server(config=settings.UNSIGNED_PAYLOAD) as server:
        assert unsigned_upload(server.api()).status == 200


def test_a_presigned_url_downloads_without_a_header(user):
    image = user.upload(b"presigned", access="private")
    target = signing.presigned(user.access_key, user.secret, user.address, "GET", f"/images/{image}")
    assert user.anonymous().get(target).body == b"presigned"


def test_a_presigned_url_is_for_one_method_one_path_and_its_time(user):
    image, second = user.upload(b"one", access="private"), user.upload(b"two", access="private")

    def made(**more):
        return signing.presigned(user.access_key, user.secret, user.address, "GET", f"/images/{image}", **more)

    nobody = user.anonymous()
    refused(nobody.delete(made()))
    refused(nobody.get(made().replace(image, second)))
    refused(nobody.get(made() + "&extra=1"))
    refused(nobody.get(made(expires=60, offset_seconds=-120)))
    refused(nobody.get(made(expires=604801)))
    refused(nobody.get(made(offset_seconds=3600)))
    assert user.get(f"/images/{image}").status == 200


def chunk_signed(user, chunks, **more):
    headers = [*meta(name="n", architecture="i386"), BINARY]
    headers, body = signing.chunk_signed_body(
        user.access_key, user.secret, user.address, "POST", "/images", headers, chunks, **more
    )
    return user.anonymous().post("/images", headers, body)


def test_a_body_with_signed_chunks_is_stored_without_its_framing(user):
    chunks = [data(65536, "a"), data(65536, "b"), data(1234, "c")]
    response = chunk_signed(user, chunks)
    assert response.status == 200, response
    assert user.get(f"/images/{response.image['_id']}").body == b"".join(chunks)


@pytest.mark.parametrize("spoilt", [0, 1, 2])
def test_a_spoilt_chunk_is_never_stored(user, spoilt):
    before = {entry["_id"] for entry in user.listed("status=available")}
    response = chunk_signed(user, [data(65536, "a"), data(65536, "b"), data(1234, "c")], spoil=spoilt)
    assert response.status in (400, 403), response
    assert {entry["_id"] for entry in user.listed("status=available")} == before
