#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "front/glance/front_end_fixture.h"

namespace visor::front::glance {
namespace {

using Names = std::vector<std::string>;

class Images : public FrontEndFixture {
 protected:
  std::string create(std::string_view caller, std::string document) {
    const Answer answer = as(caller, "POST", "/v2/images", std::move(document));
    EXPECT_EQ(answer.status, 201) << answer.body;
    const document::Value image = answer.json();
    const std::string* id = image.text("id");
    return id == nullptr ? std::string() : *id;
  }

  Answer patch(std::string_view caller, const std::string& id, std::string operations,
               std::string_view type = "application/openstack-images-v2.1-json-patch") {
    TestRequest request("PATCH", "/v2/images/" + id);
    request.with("Content-Type", type).body(std::move(operations));
    return as(caller, request);
  }

  Answer upload(std::string_view caller, const std::string& id, std::string bytes,
                TestRequest::Fields fields = {}) {
    TestRequest request("PUT", "/v2/images/" + id + "/file", fields);
    request.data(std::move(bytes));
    return as(caller, request);
  }

  std::string active(std::string_view caller, const std::string& name, std::string bytes = "data",
                     const std::string& more = {}) {
    const std::string id =
        create(caller, R"({"name":")" + name +
                           R"(","disk_format":"raw","container_format":"bare")" + more + "}");
    EXPECT_EQ(upload(caller, id, std::move(bytes)).status, 204);
    return id;
  }

  std::string attribute(std::string_view caller, const std::string& id, const char* name) {
    const document::Value image = as(caller, "GET", "/v2/images/" + id).json();
    const std::string* text = image.text(name);
    return text == nullptr ? "(none)" : *text;
  }

  Names names(const Answer& answer) {
    Names all;
    const document::Value document = answer.json();
    const document::Value* images = document.find("images");
    if (images == nullptr || !images->is_array()) return {"(no list)"};
    for (const document::Value& image : *images->as_array()) all.push_back(*image.text("name"));
    return all;
  }
  Names listed(std::string_view caller, const std::string& query = {}) {
    return names(as(caller, "GET", "/v2/images" + query));
  }
};

TEST_F(Images, BeginSharedWithNobodyAndWithoutData) {
  const Answer answer = as("ada", "POST", "/v2/images", R"({"name":"a","os_distro":"debian"})");
  ASSERT_EQ(answer.status, 201) << answer.body;
  const document::Value image = answer.json();
  EXPECT_EQ(*image.text("status"), "queued");
  EXPECT_EQ(*image.text("visibility"), "shared");
  EXPECT_EQ(*image.text("owner"), "ada");
  EXPECT_EQ(*image.text("os_distro"), "debian");
  EXPECT_TRUE(image.find("size")->is_null());
  EXPECT_TRUE(image.find("checksum")->is_null());
  EXPECT_TRUE(answer.header("Location").ends_with("/v2/images/" + *image.text("id")));
  EXPECT_EQ(as("bob", "GET", "/v2/images/" + *image.text("id")).status, 404);
  EXPECT_EQ(as("root", "GET", "/v2/images/" + *image.text("id")).status, 200);
}

TEST_F(Images, TakeAnIdOnce) {
  const std::string id = "0e1f2d3c-0000-4000-8000-00000000abcd";
  EXPECT_EQ(create("ada", R"({"id":")" + id + R"("})"), id);
  EXPECT_EQ(as("bob", "POST", "/v2/images", R"({"id":")" + id + R"("})").status, 409);
  EXPECT_EQ(as("ada", "POST", "/v2/images", R"({"id":"mine"})").status, 400);
}

TEST_F(Images, RefuseWhatIsNoneOfTheCallersBusiness) {
  const auto status = [this](const char* document) {
    return as("ada", "POST", "/v2/images", document).status;
  };
  EXPECT_EQ(status(R"({"status":"active"})"), 403);
  EXPECT_EQ(status(R"({"self":"/x"})"), 403);
  EXPECT_EQ(status(R"({"deleted":"true"})"), 403);
  EXPECT_EQ(status(R"({"os_glance_import_task":"x"})"), 403);
  EXPECT_EQ(status(R"({"owner":"bob"})"), 403);
  EXPECT_EQ(status(R"({"visibility":"public"})"), 403);
  EXPECT_EQ(as("eve", "POST", "/v2/images", R"({"name":"a"})").status, 403) << "she only reads";
  EXPECT_EQ(as("root", "POST", "/v2/images", R"({"visibility":"public","owner":"bob"})").status,
            201);
  EXPECT_EQ(as("nobody", "GET", "/v2/images").status, 401);
}

TEST_F(Images, RefuseValuesThatAnAttributeCanNotHave) {
  for (const char* document :
       {R"({"name":5})", R"({"visibility":"secret"})", R"({"disk_format":"floppy"})",
        R"({"container_format":""})", R"({"min_ram":-1})", R"({"min_disk":"5"})",
        R"({"protected":"yes"})", R"({"tags":"a"})", R"({"tags":[1]})", R"({"note":1})",
        R"({"kernel_id":"x"})", R"([])", "{", ""}) {
    EXPECT_EQ(as("ada", "POST", "/v2/images", document).status, 400) << document;
  }
  const std::string long_name(256, 'n');
  EXPECT_EQ(as("ada", "POST", "/v2/images", R"({"name":")" + long_name + R"("})").status, 400);
}

TEST_F(Images, ChangeByPatchesOfBothForms) {
  const std::string id = create("ada", R"({"name":"a","note":"old"})");
  const Answer today = patch("ada", id, R"([{"op":"replace","path":"/name","value":"b"},
      {"op":"add","path":"/os_version","value":""},{"op":"remove","path":"/note"},
      {"op":"replace","path":"/tags","value":["x","y"]},
      {"op":"replace","path":"/protected","value":true}])");
  ASSERT_EQ(today.status, 200) << today.body;
  const document::Value image = today.json();
  EXPECT_EQ(*image.text("name"), "b");
  EXPECT_EQ(*image.text("os_version"), "") << "an empty text is a value";
  EXPECT_EQ(image.find("note"), nullptr);
  EXPECT_EQ(image.find("tags")->size(), 2U);
  EXPECT_EQ(image.boolean("protected"), true);

  constexpr const char* kOld = "application/openstack-images-v2.0-json-patch";
  EXPECT_EQ(patch("ada", id, R"([{"replace":"/name","value":"c"}])", kOld).status, 200);
  EXPECT_EQ(attribute("ada", id, "name"), "c");
  EXPECT_EQ(patch("ada", id, R"([{"add":"/os_version","value":"1"}])", kOld).status, 409);
  EXPECT_EQ(patch("ada", id, R"([{"op":"add","path":"/os_version","value":"1"}])").status, 200);
  const Answer other = patch("ada", id, "[]", "application/json");
  EXPECT_EQ(other.status, 415);
  EXPECT_NE(other.header("Accept-Patch"), "");
}

TEST_F(Images, AreNotChangedAtAllByAPatchOfWhichOnePartFails) {
  const std::string id = create("ada", R"({"name":"a"})");
  const auto status = [&](const char* operation) {
    return patch("ada", id,
                 std::string(R"([{"op":"replace","path":"/name","value":"z"},)") + operation + "]")
        .status;
  };
  EXPECT_EQ(status(R"({"op":"replace","path":"/absent","value":"1"})"), 409);
  EXPECT_EQ(status(R"({"op":"remove","path":"/absent"})"), 409);
  EXPECT_EQ(status(R"({"op":"remove","path":"/name"})"), 403);
  EXPECT_EQ(status(R"({"op":"replace","path":"/size","value":1})"), 403);
  EXPECT_EQ(status(R"({"op":"add","path":"/locations/-","value":{}})"), 403);
  EXPECT_EQ(status(R"({"op":"add","path":"/a/b","value":"1"})"), 400);
  EXPECT_EQ(status(R"({"op":"move","path":"/a","value":"1"})"), 400);
  EXPECT_EQ(status(R"({"op":"add","path":"name","value":"1"})"), 400);
  EXPECT_EQ(status(R"({"op":"add","path":"/a~2","value":"1"})"), 400);
  EXPECT_EQ(attribute("ada", id, "name"), "a");
  EXPECT_EQ(patch("bob", id, R"([{"op":"replace","path":"/name","value":"z"}])").status, 404);
}

TEST_F(Images, KeepTheirFormatsOnceTheyHaveData) {
  const std::string id = active("ada", "a");
  EXPECT_EQ(patch("ada", id, R"([{"op":"replace","path":"/disk_format","value":"qcow2"}])").status,
            403);
}

TEST_F(Images, ThatAreProtectedAreNotDeleted) {
  const std::string id = create("ada", R"({"protected":true})");
  EXPECT_EQ(as("ada", "DELETE", "/v2/images/" + id).status, 403);
  EXPECT_EQ(patch("ada", id, R"([{"op":"replace","path":"/protected","value":false}])").status,
            200);
  EXPECT_EQ(as("ada", "DELETE", "/v2/images/" + id).status, 204);
  EXPECT_EQ(as("ada", "GET", "/v2/images/" + id).status, 404);
}

TEST_F(Images, GiveBackTheBytesThatCame) {
  const std::string bytes = service::pattern(300'000);
  const std::string id = active("ada", "a", bytes);
  const Answer whole = as("ada", "GET", "/v2/images/" + id + "/file");
  EXPECT_EQ(whole.status, 200);
  EXPECT_TRUE(whole.body == bytes);
  EXPECT_EQ(whole.header("Content-MD5"), digest_hex(DigestAlgorithm::md5, bytes));
  EXPECT_EQ(attribute("ada", id, "os_hash_algo"), "sha512");
  EXPECT_EQ(attribute("ada", id, "os_hash_value"), digest_hex(DigestAlgorithm::sha512, bytes));
  EXPECT_EQ(attribute("ada", id, "stores"), "main");

  const auto ranged = [&](TestRequest::Fields fields) {
    TestRequest request("GET", "/v2/images/" + id + "/file", fields);
    return as("ada", request);
  };
  const Answer part = ranged({{"Range", "bytes=10-19"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, bytes.substr(10, 10));
  EXPECT_EQ(ranged({{"Content-Range", "bytes 10-19/300000"}}).body, bytes.substr(10, 10));
  EXPECT_EQ(ranged({{"Range", "bytes=300000-"}}).status, 416);
  EXPECT_EQ(ranged({{"Range", "pages=1"}}).status, 416);
  EXPECT_EQ(ranged({{"Range", "bytes=0-1,3-4"}}).status, 400);
}

TEST_F(Images, WithoutDataAnswerDownloadsWithNothing) {
  const std::string id = create("ada", "{}");
  EXPECT_EQ(as("ada", "GET", "/v2/images/" + id + "/file").status, 204);
  EXPECT_EQ(upload("ada", id, "data").status, 400) << "nobody said what the data is";
}

TEST_F(Images, TakeDataOnceAndOnlyAsItWasAnnounced) {
  const std::string id = active("ada", "a");
  EXPECT_EQ(upload("ada", id, "more").status, 409);
  const std::string other = create("ada", R"({"disk_format":"raw","container_format":"bare"})");
  EXPECT_EQ(upload("ada", other, "data", {{"x-openstack-image-size", "5"}}).status, 400);
  EXPECT_EQ(attribute("ada", other, "status"), "queued");
  EXPECT_EQ(upload("ada", other, "data", {{"x-image-meta-store", "nowhere"}}).status, 400);
  TestRequest wrong_type("PUT", "/v2/images/" + other + "/file");
  wrong_type.with("Content-Type", "text/plain").body("data");
  EXPECT_EQ(as("ada", wrong_type).status, 415);
  EXPECT_EQ(upload("ada", other, "data", {{"x-openstack-image-size", "4"}}).status, 204);
}

TEST_F(Images, RefuseDataThatIsNotWhatTheImageSays) {
  const std::string id = create("ada", R"({"disk_format":"qcow2","container_format":"bare"})");
  const Answer refused = upload("ada", id, "no qcow2 at all");
  EXPECT_EQ(refused.status, 415) << refused.body;
  EXPECT_EQ(attribute("ada", id, "status"), "queued");
  Options options;
  options.strict_formats = false;
  make_front_end(options);
  EXPECT_EQ(upload("ada", id, "no qcow2 at all").status, 204);
}

TEST_F(Images, AreHeldBackFromAllButAdministrators) {
  const std::string id = active("ada", "a");
  EXPECT_EQ(as("ada", "POST", "/v2/images/" + id + "/actions/deactivate").status, 204);
  EXPECT_EQ(attribute("ada", id, "status"), "deactivated");
  EXPECT_EQ(as("ada", "GET", "/v2/images/" + id + "/file").status, 403);
  EXPECT_EQ(as("root", "GET", "/v2/images/" + id + "/file").status, 200);
  EXPECT_EQ(as("ada", "POST", "/v2/images/" + id + "/actions/reactivate").status, 204);
  EXPECT_EQ(as("ada", "GET", "/v2/images/" + id + "/file").status, 200);
  const std::string queued = create("ada", "{}");
  EXPECT_EQ(as("ada", "POST", "/v2/images/" + queued + "/actions/deactivate").status, 403);
}

TEST_F(Images, AreListedForThoseWhoMaySeeThem) {
  create("ada", R"({"name":"hers","visibility":"private"})");
  create("root", R"({"name":"everybody's","visibility":"public"})");
  create("bob", R"({"name":"community's","visibility":"community"})");
  create("bob", R"({"name":"hidden","os_hidden":true,"visibility":"community"})");
  EXPECT_EQ(listed("ada"), (Names{"everybody's", "hers"}));
  EXPECT_EQ(listed("ada", "?visibility=public"), Names{"everybody's"});
  EXPECT_EQ(listed("ada", "?visibility=community"), Names{"community's"});
  EXPECT_EQ(listed("ada", "?visibility=all"), (Names{"community's", "everybody's", "hers"}));
  EXPECT_EQ(listed("bob", "?os_hidden=true"), Names{"hidden"});
  EXPECT_EQ(listed("ada", "?visibility=private"), Names{"hers"});
  EXPECT_EQ(listed("bob", "?visibility=private"), Names{});
}

TEST_F(Images, AreFilteredByWhatTheyHave) {
  active("ada", "small", "12", R"(,"tags":["a","b"],"os_distro":"debian")");
  active("ada", "large", "1234567", R"(,"tags":["a"],"min_ram":512)");
  create("ada", R"({"name":"empty, so far"})");
  EXPECT_EQ(listed("ada", "?status=active"), (Names{"large", "small"}));
  EXPECT_EQ(listed("ada", "?status=in:queued,saving"), Names{"empty, so far"});
  EXPECT_EQ(listed("ada", "?size_min=3"), Names{"large"});
  EXPECT_EQ(listed("ada", "?size_max=3"), Names{"small"});
  EXPECT_EQ(listed("ada", "?size_min=2&size_max=2"), Names{"small"});
  EXPECT_EQ(listed("ada", "?tag=a&tag=b"), Names{"small"});
  EXPECT_EQ(listed("ada", "?os_distro=debian"), Names{"small"});
  EXPECT_EQ(listed("ada", "?min_ram_min=1"), Names{"large"});
  EXPECT_EQ(listed("ada", "?min_ram=0"), (Names{"empty, so far", "small"}));
  EXPECT_EQ(listed("ada", "?name=in:small,%22empty,%20so%20far%22"),
            (Names{"empty, so far", "small"}));
  EXPECT_EQ(listed("ada", "?created_at=gt:2012-06-15T21:05:20Z"), Names{});
  EXPECT_EQ(listed("ada", "?created_at=lte:2012-06-15T21:05:20Z&status=queued"),
            Names{"empty, so far"});
  EXPECT_EQ(listed("ada", "?protected=true"), Names{});
  EXPECT_EQ(listed("ada", "?owner=bob"), Names{});
}

TEST_F(Images, AreSortedByOneAttributeOrSeveral) {
  active("ada", "b", "11");
  active("ada", "a", "2");
  active("ada", "b", "3");
  EXPECT_EQ(listed("ada", "?sort_key=name&sort_dir=asc"), (Names{"a", "b", "b"}));
  EXPECT_EQ(listed("ada", "?sort=size:asc"), (Names{"a", "b", "b"}));
  const auto sizes = [this](const std::string& query) {
    std::vector<std::int64_t> all;
    const document::Value list = as("ada", "GET", "/v2/images" + query).json();
    for (const document::Value& image : *list.find("images")->as_array()) {
      all.push_back(*image.integer("size"));
    }
    return all;
  };
  EXPECT_EQ(sizes("?sort=name:desc,size:desc"), (std::vector<std::int64_t>{2, 1, 1}));
  EXPECT_EQ(sizes("?sort_key=name&sort_key=size&sort_dir=desc&sort_dir=asc"),
            (std::vector<std::int64_t>{1, 2, 1}));
}

TEST_F(Images, ArePagedWithoutGapOrRepetition) {
  for (const char* name : {"a", "b", "c", "d", "e"}) active("ada", name);
  for (const char* order : {"?limit=2", "?limit=2&sort=name:asc",
                            "?limit=2&sort=size:asc,name:desc", "?limit=2&sort=id:asc"}) {
    Names all;
    std::string next = std::string("/v2/images") + order;
    while (!next.empty()) {
      const Answer page = as("ada", "GET", next);
      ASSERT_EQ(page.status, 200) << page.body;
      for (std::string& name : names(page)) all.push_back(std::move(name));
      const document::Value document = page.json();
      const std::string* link = document.text("next");
      next = link == nullptr ? std::string() : *link;
      ASSERT_LE(all.size(), 5U) << order;
    }
    std::ranges::sort(all);
    EXPECT_EQ(all, (Names{"a", "b", "c", "d", "e"})) << order;
  }
}

TEST_F(Images, ListsRefuseQueriesThatMakeNoSense) {
  for (const char* query :
       {"?limit=x", "?limit=-1", "?marker=x", "?marker=0e1f2d3c-0000-4000-8000-00000000abcd",
        "?sort_key=colour", "?sort_dir=up", "?sort=name:asc&sort_key=size", "?visibility=mine",
        "?member_status=maybe", "?os_hidden=perhaps", "?size_min=a", "?name=neq:a",
        "?created_at=gt:yesterday", "?changes-since=2012-01-01T00:00:00Z", "?name=in:%22a"}) {
    EXPECT_EQ(as("ada", "GET", std::string("/v2/images") + query).status, 400) << query;
  }
  EXPECT_EQ(listed("ada", "?limit=0"), Names{});
}

TEST_F(Images, AreSharedWithWhomTheirOwnerSays) {
  const std::string id = active("ada", "a");
  const std::string members = "/v2/images/" + id + "/members";
  EXPECT_EQ(as("bob", "GET", "/v2/images/" + id).status, 404);
  ASSERT_EQ(as("ada", "POST", members, R"({"member":"bob"})").status, 200);
  EXPECT_EQ(as("ada", "POST", members, R"({"member":"bob"})").status, 409);
  EXPECT_EQ(as("bob", "GET", "/v2/images/" + id).status, 200);
  EXPECT_EQ(listed("bob"), Names{}) << "he has not taken it yet";
  EXPECT_EQ(listed("bob", "?member_status=pending&visibility=shared"), Names{"a"});
  EXPECT_EQ(as("ada", "PUT", members + "/bob", R"({"status":"accepted"})").status, 403);
  EXPECT_EQ(as("bob", "PUT", members + "/bob", R"({"status":"gladly"})").status, 400);
  ASSERT_EQ(as("bob", "PUT", members + "/bob", R"({"status":"accepted"})").status, 200);
  EXPECT_EQ(listed("bob"), Names{"a"});
  EXPECT_EQ(as("bob", "DELETE", "/v2/images/" + id).status, 403);
  EXPECT_EQ(as("bob", "DELETE", members + "/bob").status, 403);
  EXPECT_EQ(as("ada", "DELETE", members + "/bob").status, 204);
  EXPECT_EQ(as("bob", "GET", "/v2/images/" + id).status, 404);
  EXPECT_EQ(as("ada", "DELETE", members + "/bob").status, 404);
}

TEST_F(Images, ShowMembersOfThemselvesOnly) {
  const std::string id = active("ada", "a");
  const std::string members = "/v2/images/" + id + "/members";
  for (const char* member : {R"({"member":"bob"})", R"({"member":"carol"})"}) {
    ASSERT_EQ(as("ada", "POST", members, member).status, 200);
  }
  EXPECT_EQ(as("ada", "GET", members).json().find("members")->size(), 2U);
  EXPECT_EQ(as("bob", "GET", members).json().find("members")->size(), 1U);
  EXPECT_EQ(as("bob", "GET", members + "/carol").status, 404);
  const std::string hers = create("ada", R"({"visibility":"private"})");
  EXPECT_EQ(as("ada", "POST", "/v2/images/" + hers + "/members", R"({"member":"bob"})").status,
            403);
}

TEST_F(Images, TakeTagsOneByOne) {
  const std::string id = create("ada", "{}");
  const std::string tag = "/v2/images/" + id + "/tags/green%20field";
  EXPECT_EQ(as("ada", "PUT", tag).status, 204);
  EXPECT_EQ(as("ada", "PUT", tag).status, 204) << "once more changes nothing";
  EXPECT_EQ(as("ada", "GET", "/v2/images/" + id).json().find("tags")->size(), 1U);
  EXPECT_EQ(as("ada", "DELETE", tag).status, 204);
  EXPECT_EQ(as("ada", "DELETE", tag).status, 404);
  const std::string long_tag(256, 't');
  EXPECT_EQ(as("ada", "PUT", "/v2/images/" + id + "/tags/" + long_tag).status, 400);
}

TEST_F(Images, CountAgainstWhatTheirProjectMayHold) {
  active("ada", "a", std::string(1'500'000, 'x'));
  create("ada", "{}");
  const document::Value answer = as("ada", "GET", "/v2/info/usage").json();
  const document::Value* usage = answer.find("usage");
  ASSERT_NE(usage, nullptr);
  EXPECT_EQ(usage->find("image_size_total")->integer("usage"), 2) << "megabytes, begun ones too";
  EXPECT_EQ(usage->find("image_size_total")->integer("limit"), -1);
  EXPECT_EQ(usage->find("image_count_total")->integer("usage"), 2);
  EXPECT_EQ(usage->find("image_count_uploading")->integer("usage"), 0);
}

TEST_F(Images, AnswerInTheFormThatClientsKnow) {
  EXPECT_EQ(as("ada", "GET", "/").status, 300);
  EXPECT_EQ(as("ada", "GET", "/versions").status, 200);
  EXPECT_EQ(as("ada", "GET", "/v1/images").status, 300);
  EXPECT_EQ(as("ada", "GET", "/v2").status, 302);
  EXPECT_EQ(as("ada", "GET", "/v2/").status, 404);
  EXPECT_EQ(as("ada", "GET", "/v2/images/").status, 404);
  EXPECT_EQ(as("ada", "GET", "/v2.18/images").status, 200);
  EXPECT_EQ(as("ada", "GET", "/v2.19/images").status, 300);
  const Answer wrong_method = as("ada", "PUT", "/v2/images");
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_EQ(wrong_method.header("Allow"), "POST, GET");
  TestRequest unknown("GET", "/v2/images");
  unknown.with("X-OpenStack-Request-ID", "req-7");
  const Answer refused = send(unknown);
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.header("WWW-Authenticate"), "Keystone uri=\"http://127.0.0.1:5000\"");
  EXPECT_EQ(refused.header("x-openstack-request-id"), "req-7");
  EXPECT_TRUE(refused.body.starts_with("<html>"));
  TestRequest body("GET", "/v2/images");
  EXPECT_EQ(as("ada", body.body("x")).status, 400);
}

class LocatedImages : public Images {
 protected:
  LocatedImages() {
    auto web = std::make_unique<service::RemoteStore>();
    for (const char* url : {"http://x/a?key=1", "http://x/b"}) web->put(url, "some data");
    stores_.add_reference("web", std::move(web), {"http"});
    show_locations(true);
  }
  void show_locations(bool on) {
    Options options;
    if (on) options.locations = &locations_;
    make_front_end(std::move(options));
  }
  Answer add_location(std::string_view caller, const std::string& id, const std::string& url) {
    return patch(caller, id,
                 R"([{"op":"add","path":"/locations/-","value":{"url":")" + url +
                     R"(","metadata":{"a":"b"}}}])");
  }
  std::string locations(std::string_view caller, const std::string& id) {
    const document::Value image = as(caller, "GET", "/v2/images/" + id).json();
    const document::Value* list = image.find("locations");
    return list == nullptr ? "(none)" : document::write_json(*list);
  }
  std::string queued() {
    return create("ada",
                  R"({"disk_format":"raw","container_format":"bare","visibility":"shared"})");
  }

  service::LocationService locations_{
      service::Foundation{client_, stores_, digest_pool_, slices_, clock_, quota_}};
};

TEST_F(LocatedImages, AreActiveOnceTheyHaveALocation) {
  const std::string id = queued();
  EXPECT_EQ(locations("ada", id), "[]");
  const Answer added = add_location("ada", id, "http://x/a?key=1");
  ASSERT_EQ(added.status, 200) << added.body;
  EXPECT_EQ(attribute("ada", id, "status"), "active");
  EXPECT_EQ(attribute("ada", id, "stores"), "web");
  EXPECT_EQ(locations("ada", id),
            R"([{"url":"http://x/a?key=1","metadata":{"a":"b","store":"web"}}])");
  EXPECT_EQ(as("ada", "GET", "/v2/images/" + id + "/file").body, "some data");
  EXPECT_NE(as("ada", "GET", "/v2/images").body.find("\"locations\":[{"), std::string::npos);
}

TEST_F(LocatedImages, ShowTheKeyInALocationToTheirOwnersAlone) {
  const std::string id = queued();
  ASSERT_EQ(add_location("ada", id, "http://x/a?key=1").status, 200);
  ASSERT_EQ(patch("root", id, R"([{"op":"replace","path":"/visibility","value":"public"}])").status,
            200);
  EXPECT_NE(locations("ada", id).find("key=1"), std::string::npos);
  EXPECT_EQ(locations("bob", id).find("key=1"), std::string::npos);
  EXPECT_EQ(add_location("bob", id, "http://x/b").status, 403);
}

TEST_F(LocatedImages, LoseALocationByAnAdministratorsPatchOnly) {
  const std::string id = queued();
  ASSERT_EQ(add_location("ada", id, "http://x/a?key=1").status, 200);
  ASSERT_EQ(add_location("ada", id, "http://x/b").status, 200);
  constexpr const char* kRemoval = R"([{"op":"remove","path":"/locations/0"}])";
  EXPECT_EQ(patch("ada", id, kRemoval).status, 403);
  EXPECT_EQ(patch("root", id, kRemoval).status, 200);
  EXPECT_EQ(patch("root", id, kRemoval).status, 403) << "the last one stays";
  EXPECT_NE(locations("ada", id).find("http://x/b"), std::string::npos);
}

TEST_F(LocatedImages, HaveNoneWhereTheOperatorDoesNotWantIt) {
  const std::string id = queued();
  show_locations(false);
  EXPECT_EQ(locations("ada", id), "(none)");
  EXPECT_EQ(add_location("ada", id, "http://x/b").status, 403);
}

TEST_F(LocatedImages, AreReadFromTheStoreThatTheCallerPrefers) {
  const std::string id = active("ada", "an image", "our data!");
  ASSERT_EQ(add_location("ada", id, "http://x/b").status, 200);
  const auto body = [&](const std::string& query) {
    return as("ada", "GET", "/v2/images/" + id + "/file" + query).body;
  };
  EXPECT_EQ(body(""), "our data!");
  EXPECT_EQ(body("?prefer=web,main"), "some data");
  EXPECT_EQ(body("?prefer=far,main"), "our data!");
  EXPECT_EQ(as("ada", "GET", "/v2/images/" + id + "/file?prefer=nowhere").status, 400);
}

}  // namespace
}  // namespace visor::front::glance
