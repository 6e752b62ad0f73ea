// What the audit log is told of each verb.
#include "service/trail.h"

#include <gtest/gtest.h>

#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>

#include "audit/verify.h"
#include "auth/accounts.h"
#include "service/account_service.h"
#include "service/service_fixture.h"

namespace visor::service {
namespace {

using async::run_until_done;

class Trails : public ServiceFixture {
 protected:
  Trails() {
    std::string name = (std::filesystem::temp_directory_path() / "visor-trail-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    audit::Options options;
    options.folder = folder_ + "/audit";
    options.calls.fdatasync = [this](int file) {
      if (!failing_) return ::fdatasync(file);
      errno = EIO;
      return -1;
    };
    auto opened = audit::Log::open(std::move(options), audit::Seal(Secret("key")), clock_);
    EXPECT_TRUE(opened) << opened.error().message;
    log_ = std::move(*opened);
    users_.emplace(accounts_, log_.get());
    tell();
  }
  ~Trails() override {
    service_.reset();
    log_.reset();
    std::error_code unknown;
    std::filesystem::remove_all(folder_, unknown);
  }

  /// A new service that tells the log.
  void tell() {
    service_ = std::make_unique<ImageService>(
        Foundation{client_, stores_, digest_pool_, slices_, clock_, quota_, log_.get()}, options_);
  }

  /// "verb outcome[ error]" of what the log tells of verbs, and the last of these lines.
  std::vector<std::string> told() {
    std::vector<std::string> lines;
    const auto verdict =
        audit::verify(folder_ + "/audit", nullptr, [&](const audit::Line& line, std::string_view) {
          if (line.verb.starts_with("log.")) return;
          lines.push_back(line.verb + " " + line.outcome + (line.error.empty() ? "" : " ") +
                          line.error);
          last_ = line;
        });
    EXPECT_TRUE(verdict);
    return lines;
  }

  std::string folder_;
  std::atomic<bool> failing_ = false;
  std::unique_ptr<audit::Log> log_;
  audit::Line last_;
  auth::Accounts accounts_{client_, auth::SecretBox::generate(), clock_};
  std::optional<AccountService> users_;
};

using Lines = std::vector<std::string>;

TEST_F(Trails, TellEveryChangeOfAnImageWithWhoAndFromWhere) {
  Principal who = alice_;
  who.origin = {"request-7", "192.0.2.1"};
  const auto image = *add(who, draft());
  EXPECT_EQ(told(), (Lines{"image.register begun", "image.register done"}));
  EXPECT_EQ(last_.account, "alice");
  EXPECT_EQ(last_.role, "user");
  EXPECT_EQ(last_.from, "192.0.2.1");
  EXPECT_EQ(last_.request, "request-7");
  EXPECT_EQ(last_.image, image.id);
  EXPECT_EQ(last_.detail, "name, architecture");
  ASSERT_TRUE(upload(who, image.id, "data"));
  (void)told();
  EXPECT_EQ(last_.verb, "image.upload");
  EXPECT_EQ(last_.size, 4u);
  EXPECT_EQ(last_.sha256, digest_hex(DigestAlgorithm::sha256, "data"));
  EXPECT_EQ(last_.of, last_.sequence - 1);
  ASSERT_TRUE(run_until_done(
      service_->change(who, image.id, {{"access", "owner"}}, Data::none(), std::nullopt)));
  (void)told();
  EXPECT_EQ(last_.verb, "image.change");
  EXPECT_EQ(last_.detail, "access=owner");
  ASSERT_TRUE(remove(who, image.id));
  EXPECT_EQ(told(), (Lines{"image.register begun", "image.register done", "image.upload begun",
                           "image.upload done", "image.change begun", "image.change done",
                           "image.delete begun", "image.delete done"}));
}

TEST_F(Trails, TellNothingOfReadsThatSucceedNorOfRequestsThatAreWrong) {
  const auto image = *add(alice_, draft(), "data");
  const auto before = told();
  ASSERT_TRUE(show(bob_, image.id));
  ASSERT_TRUE(fetch(bob_, image.id));
  (void)find(bob_);
  EXPECT_FALSE(show(bob_, random_uuid()));
  EXPECT_FALSE(add(alice_, {{"name", "no architecture"}}));
  EXPECT_FALSE(upload(alice_, image.id, "again"));
  EXPECT_EQ(told(), before);
}

TEST_F(Trails, TellEveryRefusalAlsoThoseThatPassForNotFound) {
  auto edits = draft();
  edits.push_back({"access", "owner"});
  const auto hidden = *add(alice_, edits, "data");
  const auto open = *add(alice_, draft(), "data");
  const std::size_t before = told().size();
  EXPECT_FALSE(show(bob_, hidden.id));
  EXPECT_FALSE(fetch(bob_, hidden.id));
  EXPECT_FALSE(remove(bob_, hidden.id));
  EXPECT_FALSE(remove(bob_, open.id));
  EXPECT_FALSE(upload(bob_, open.id, "x"));
  EXPECT_FALSE(add(Principal::nobody(), draft()));
  auto linking = draft();
  linking.push_back({"kernel", hidden.id});
  EXPECT_FALSE(add(bob_, linking));
  EXPECT_FALSE(run_until_done(service_->restore(Principal::nobody(), open.id)));
  const auto all = told();
  EXPECT_EQ(Lines(all.begin() + static_cast<std::ptrdiff_t>(before), all.end()),
            (Lines{"image.show refused not_found", "image.show refused not_found",
                   "image.delete refused not_found", "image.delete refused forbidden",
                   "image.upload refused forbidden", "image.register refused forbidden",
                   "image.register refused not_found", "image.restore refused forbidden"}));
}

TEST_F(Trails, TellWhatGoesOverAQuotaAndWhatBreaksOff) {
  quota_.set({.bytes = 10, .images = std::nullopt});
  EXPECT_FALSE(add(alice_, draft(), pattern(100)));
  quota_.set({});
  BrokenSource source(pattern(1000), 300);
  const auto image = *add(alice_, draft());
  EXPECT_FALSE(
      run_until_done(service_->change(alice_, image.id, {}, Data::from(source), std::nullopt)));
  EXPECT_EQ(told(),
            (Lines{"image.register begun", "image.register refused quota", "image.register begun",
                   "image.register done", "image.upload begun", "image.upload failed cancelled"}));
}

TEST_F(Trails, TellRestoringAndPurgingAlsoByTheServerItself) {
  options_.keep_deleted = std::chrono::hours(1);
  tell();
  const auto first = *add(alice_, draft(), "data");
  ASSERT_TRUE(remove(alice_, first.id));
  ASSERT_TRUE(run_until_done(service_->restore(alice_, first.id)));
  ASSERT_TRUE(remove(alice_, first.id));
  ASSERT_TRUE(run_until_done(service_->purge(alice_, first.id)));
  const auto second = *add(alice_, draft(), "data");
  ASSERT_TRUE(remove(alice_, second.id));
  clock_.advance(std::chrono::hours(2));
  ASSERT_TRUE(run_until_done(service_->tidy()));
  const auto all = told();
  for (const char* line : {"image.restore done", "image.purge done"}) {
    EXPECT_TRUE(std::ranges::find(all, line) != all.end()) << line;
  }
  EXPECT_EQ(all.back(), "image.purge done");
  EXPECT_EQ(last_.role, "server");
  EXPECT_EQ(last_.image, second.id);
  EXPECT_EQ(last_.subject, "alice");
}

TEST_F(Trails, TellWhoManagesAccountsAndNeverASecret) {
  const Principal root = Principal::root("root");
  auth::Account account;
  account.access_key = "carol";
  account.email = "carol@example.org";
  const auto created = run_until_done(users_->create(root, account, std::nullopt));
  ASSERT_TRUE(created);
  auth::AccountChange change;
  change.administrator = true;
  change.secret = Secret("a-chosen-secret-of-forty-characters-0123");
  ASSERT_TRUE(run_until_done(users_->update(root, "carol", change)));
  (void)told();
  EXPECT_EQ(last_.subject, "carol");
  EXPECT_EQ(last_.detail, "administrator=true, a new secret");
  EXPECT_FALSE(run_until_done(users_->remove(alice_, "carol")));
  EXPECT_FALSE(run_until_done(users_->get(alice_, "carol")));
  EXPECT_FALSE(run_until_done(users_->list(alice_, std::nullopt, 10)));
  EXPECT_EQ(told(), (Lines{"account.create begun", "account.create done", "account.update begun",
                           "account.update done", "account.delete refused forbidden",
                           "account.show refused forbidden", "account.list refused forbidden"}));
  std::string all;
  (void)audit::verify(folder_ + "/audit", nullptr,
                      [&](const audit::Line&, std::string_view text) { all += text; });
  EXPECT_EQ(all.find(created->secret->reveal()), std::string::npos);
  EXPECT_EQ(all.find("a-chosen-secret"), std::string::npos);
}

TEST_F(Trails, LetNothingBeChangedThatCouldNotBeTold) {
  const auto image = *add(alice_, draft(), "data");
  ASSERT_TRUE(run_until_done(log_->settled(log_->last().sequence)))
      << "so that nothing is left to flush when the disk fails: the log would give up before the "
         "change";
  failing_ = true;
  EXPECT_EQ(remove(alice_, image.id).error().code, Code::unavailable)
      << "the disk fails while the change is made";
  const auto refused = add(alice_, draft());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_NE(refused.error().message.find("audit log"), std::string::npos);
  EXPECT_EQ(count(kImages), 0u) << "nothing was registered";
  EXPECT_TRUE(run_until_done(service_->find(alice_, {}))) << "reading goes on";
}

}  // namespace
}  // namespace visor::service
