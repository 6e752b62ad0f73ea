#include "auth/accounts.h"

#include <gtest/gtest.h>

#include <thread>

#include "async/executor.h"
#include "async/worker_pool.h"
#include "catalogue/memory/memory_catalogue.h"

namespace visor::auth {
namespace {

// Counts what reaches the engine.
class CountingCatalogue : public catalogue::MemoryCatalogue {
 public:
  Result<catalogue::Record> get(const std::string& collection, const std::string& id) override {
    ++gets;
    return MemoryCatalogue::get(collection, id);
  }
  std::atomic<int> gets = 0;
};

class AccountsTest : public testing::Test {
 protected:
  template <class T>
  static T run(async::Task<T> task) {
    return async::run_until_done(std::move(task));
  }
  static Account account(const std::string& key, bool administrator = false) {
    Account account;
    account.access_key = key;
    account.email = key + "@example.org";
    account.administrator = administrator;
    return account;
  }
  AccountAndSecret make(const std::string& key, bool administrator = false) {
    auto made = run(accounts_.create(account(key, administrator), std::nullopt));
    EXPECT_TRUE(made) << made.error().message;
    return made.value();
  }
  std::shared_ptr<const Credentials> credentials(const std::string& key) {
    return run(accounts_.credentials(key)).value();
  }
  Result<AccountAndSecret> update(const std::string& key, const AccountChange& change) {
    return run(accounts_.update(key, change));
  }

  ManualClock clock_{*parse_basic_time("20260314T150926Z")};
  CountingCatalogue engine_;
  async::WorkerPool pool_{"accounts", 4, 1000};
  catalogue::Client catalogue_{engine_, pool_};
  SecretBox box_ = SecretBox::generate();
  Accounts accounts_{catalogue_, box_, clock_, 4};
};

TEST_F(AccountsTest, AreGivenAnIdTimesAndASecretWhenMade) {
  const AccountAndSecret joe = make("joe");
  ASSERT_TRUE(joe.secret);
  EXPECT_EQ(joe.secret->reveal().size(), 40U);
  EXPECT_EQ(joe.account.id.size(), 36U);
  EXPECT_EQ(joe.account.created_at, clock_.now());
  EXPECT_EQ(joe.account.revision, 1U);
  EXPECT_FALSE(*joe.secret == *make("jim").secret);
  auto found = run(accounts_.get("joe"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, joe.account.id);
  EXPECT_EQ(found->email, "joe@example.org");
  EXPECT_EQ(found->updated_at, clock_.now());
  EXPECT_TRUE(found->enabled);
}

TEST_F(AccountsTest, KeepEveryField) {
  Account full = account("joe", true);
  full.may_refer = true;
  full.quota_bytes = 9'000'000'000'000'000'000U;
  full.quota_images = 0;
  full.extra = {{"team", "caf\xc3\xa9 \"x\""}, {"empty", ""}};
  ASSERT_TRUE(run(accounts_.create(full, Secret("given-secret"))));
  auto found = run(accounts_.get("joe"));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->administrator);
  EXPECT_TRUE(found->may_refer);
  EXPECT_EQ(found->quota_bytes, full.quota_bytes);
  EXPECT_EQ(found->quota_images, full.quota_images);
  EXPECT_EQ(found->extra, full.extra);
  EXPECT_EQ(credentials("joe")->secret().reveal(), "given-secret");
}

TEST_F(AccountsTest, DoNotShowTheSecretInTheCatalogue) {
  const AccountAndSecret joe = make("joe");
  auto record = engine_.get(kAccountCollection, "joe");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->document.find(joe.secret->reveal()), std::string::npos);
  for (const auto& fact : record->facts) EXPECT_NE(fact.value, joe.secret->reveal());
}

TEST_F(AccountsTest, RefuseAFieldThatBreaksARule) {
  std::vector<Account> wrong(1, account("joe"));
  for (const char* key : {"", "ab", "a b c", "joe:x", "joe/x", "caf\xc3\xa9", "a\nb"}) {
    wrong.push_back(account("joe"));
    wrong.back().access_key = key;
  }
  wrong.push_back(account(std::string(65, 'a')));
  for (const char* email : {"", "joe", "@x", "x@", "a@b@c", "a b@c", "a\n@c", "\xff@c"}) {
    wrong.push_back(account("joe"));
    wrong.back().email = email;
  }
  wrong.push_back(account("joe"));
  wrong.back().email = std::string(250, 'a') + "@b.cd";
  wrong.push_back(account("joe"));
  wrong.back().extra = {{"a", "\xff"}};
  wrong.push_back(account("joe"));
  wrong.back().extra = {{"a", std::string(20000, 'a')}};
  wrong.push_back(account("joe"));
  wrong.back().quota_bytes = ~std::uint64_t{0};
  for (std::size_t i = 1; i < wrong.size(); ++i) {
    auto made = run(accounts_.create(wrong[i], std::nullopt));
    ASSERT_FALSE(made) << i;
    EXPECT_EQ(made.error().code, Code::invalid) << i;
    EXPECT_FALSE(made.error().message.empty());
  }
  EXPECT_FALSE(run(accounts_.create(account("joe"), Secret("short"))));
  EXPECT_FALSE(run(accounts_.create(account("joe"), Secret("with blank in"))));
  EXPECT_TRUE(run(accounts_.create(wrong[0], std::nullopt)));
}

TEST_F(AccountsTest, HaveUniqueAccessKeys) {
  make("joe");
  auto again = run(accounts_.create(account("joe"), std::nullopt));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::conflict);
  make("Joe");
}

TEST_F(AccountsTest, AreListedByPages) {
  for (const char* key : {"eve", "bob", "dan", "ann", "cat"}) make(key);
  std::string keys;
  std::optional<std::string> after;
  int pages = 0;
  do {
    auto page = run(accounts_.list(after, 2));
    ASSERT_TRUE(page);
    for (const Account& one : page->accounts) keys += one.access_key + " ";
    after = page->next;
    ++pages;
  } while (after);
  EXPECT_EQ(keys, "ann bob cat dan eve ");
  EXPECT_EQ(pages, 3);
}

TEST_F(AccountsTest, ChangeOnlyWhatIsAsked) {
  Account joe = account("joe");
  joe.quota_bytes = 10;
  ASSERT_TRUE(run(accounts_.create(joe, std::nullopt)));
  clock_.advance(std::chrono::hours(1));
  AccountChange change;
  change.email = "new@example.org";
  change.quota_images = std::optional<std::uint64_t>(7);
  auto updated = update("joe", change);
  ASSERT_TRUE(updated);
  EXPECT_FALSE(updated->secret);
  EXPECT_EQ(updated->account.email, "new@example.org");
  EXPECT_EQ(updated->account.quota_bytes, 10U);
  EXPECT_EQ(updated->account.quota_images, 7U);
  EXPECT_EQ(updated->account.revision, 2U);
  EXPECT_EQ(updated->account.updated_at - updated->account.created_at, std::chrono::hours(1));
  AccountChange clear;
  clear.quota_bytes = std::optional<std::uint64_t>();
  EXPECT_EQ(update("joe", clear)->account.quota_bytes, std::nullopt);
  AccountChange stale;
  stale.expected_revision = 1;
  EXPECT_EQ(update("joe", stale).error().code, Code::precondition);
  EXPECT_EQ(update("nobody", {}).error().code, Code::not_found);
  AccountChange wrong;
  wrong.email = "no address";
  EXPECT_EQ(update("joe", wrong).error().code, Code::invalid);
}

TEST_F(AccountsTest, KeepMembersThatTheyDoNotKnowWhenChanged) {
  make("joe");
  auto record = engine_.get(kAccountCollection, "joe").value();
  record.document.insert(1, "\"from_the_future\":[1,2],");
  ASSERT_TRUE(engine_.apply({{{record, 1}}, {}, {}, {}}));
  AccountChange change;
  change.email = "new@example.org";
  ASSERT_TRUE(update("joe", change));
  EXPECT_NE(engine_.get(kAccountCollection, "joe")->document.find("\"from_the_future\":[1,2]"),
            std::string::npos);
}

TEST_F(AccountsTest, TellARenewedSecretOnceAndForgetTheOldOneAtOnce) {
  const AccountAndSecret joe = make("joe");
  EXPECT_TRUE(credentials("joe")->secret() == *joe.secret);
  AccountChange renew;
  renew.renew_secret = true;
  auto renewed = update("joe", renew);
  ASSERT_TRUE(renewed);
  ASSERT_TRUE(renewed->secret);
  EXPECT_FALSE(*renewed->secret == *joe.secret);
  EXPECT_TRUE(credentials("joe")->secret() == *renewed->secret);
}

TEST_F(AccountsTest, RevokeAtOnce) {
  make("joe");
  EXPECT_TRUE(credentials("joe")->enabled);
  AccountChange disable;
  disable.enabled = false;
  ASSERT_TRUE(update("joe", disable));
  EXPECT_FALSE(credentials("joe")->enabled);
  ASSERT_TRUE(run(accounts_.remove("joe")));
  EXPECT_EQ(credentials("joe"), nullptr);
  make("joe");
  EXPECT_NE(credentials("joe"), nullptr);
}

TEST_F(AccountsTest, AnswerRepeatedLookUpsFromMemory) {
  make("joe");
  credentials("joe");
  credentials("nobody");
  const int before = engine_.gets;
  for (int i = 0; i < 100; ++i) {
    EXPECT_NE(credentials("joe"), nullptr);
    EXPECT_EQ(credentials("nobody"), nullptr);
    EXPECT_EQ(credentials("not a key"), nullptr);
  }
  EXPECT_EQ(engine_.gets, before);
}

TEST_F(AccountsTest, KeepWhatIsInUseInMemoryThoughManyKeysAreGuessed) {
  make("joe");
  credentials("joe");
  for (int i = 0; i < 100; ++i) credentials("guess" + std::to_string(i));
  const int before = engine_.gets;
  credentials("joe");
  EXPECT_EQ(engine_.gets, before);
}

TEST_F(AccountsTest, NeverLoseTheLastEnabledAdministrator) {
  make("root", true);
  AccountChange demote;
  demote.administrator = false;
  AccountChange disable;
  disable.enabled = false;
  for (const auto& refused : {update("root", demote).error(), update("root", disable).error(),
                              run(accounts_.remove("root")).error()}) {
    EXPECT_EQ(refused.code, Code::conflict);
    EXPECT_NE(refused.message.find("last enabled administrator"), std::string::npos);
  }
  make("second", true);
  EXPECT_TRUE(update("root", disable));
  EXPECT_FALSE(run(accounts_.remove("second")));
  EXPECT_TRUE(run(accounts_.remove("root")));
  EXPECT_FALSE(update("second", demote));
}

TEST_F(AccountsTest, KeepOneAdministratorThoughAllAreRemovedAtOnce) {
  std::vector<std::string> keys;
  for (int i = 0; i < 8; ++i) keys.push_back("root" + std::to_string(i));
  for (const std::string& key : keys) make(key, true);
  std::atomic<int> removed = 0;
  {
    std::vector<std::jthread> threads;
    for (const std::string& key : keys) {
      threads.emplace_back([&, key] { removed += run(accounts_.remove(key)).has_value() ? 1 : 0; });
    }
  }
  EXPECT_EQ(removed, 7);
  EXPECT_EQ(run(accounts_.list(std::nullopt, 100))->accounts.size(), 1U);
}

TEST_F(AccountsTest, AreSealedAnewUnderANewMasterKey) {
  std::vector<AccountAndSecret> made;
  for (int i = 0; i < 250; ++i) made.push_back(make("user" + std::to_string(i)));
  SecretBox fresh = SecretBox::generate();
  const SecretBox alone = fresh;
  EXPECT_FALSE(run(accounts_.rekey(alone)));
  fresh.also_open(box_);
  EXPECT_EQ(run(accounts_.rekey(fresh)).value(), 250U);
  EXPECT_EQ(run(accounts_.rekey(fresh)).value(), 0U);
  Accounts reopened(catalogue_, alone, clock_);
  EXPECT_TRUE(run(reopened.check_master_key()));
  for (const AccountAndSecret& one : made) {
    auto found = run(reopened.credentials(one.account.access_key));
    ASSERT_TRUE(found);
    EXPECT_TRUE((*found)->secret() == *one.secret);
  }
}

TEST_F(AccountsTest, ReportAMasterKeyThatIsNotTheirs) {
  EXPECT_TRUE(run(accounts_.check_master_key()));
  make("joe");
  Accounts other(catalogue_, SecretBox::generate(), clock_);
  EXPECT_EQ(run(other.credentials("joe")).error().code, Code::corrupt);
  EXPECT_EQ(run(other.check_master_key()).error().code, Code::corrupt);
}

TEST_F(AccountsTest, ReportABrokenRecord) {
  make("joe");
  auto record = engine_.get(kAccountCollection, "joe").value();
  record.document = "{\"id\":1";
  ASSERT_TRUE(engine_.apply({{{record, 1}}, {}, {}, {}}));
  EXPECT_EQ(run(accounts_.get("joe")).error().code, Code::corrupt);
}

TEST_F(AccountsTest, GetARootWithASecretOfTheServersMaking) {
  auto first = run(accounts_.ensure_root(std::nullopt, std::nullopt));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->action, RootOutcome::Action::created);
  EXPECT_EQ(first->access_key, "admin");
  ASSERT_TRUE(first->secret);
  EXPECT_TRUE(credentials("admin")->principal.administrator);
  EXPECT_TRUE(credentials("admin")->principal.may_refer);
  EXPECT_TRUE(credentials("admin")->secret() == *first->secret);
  auto second = run(accounts_.ensure_root(std::nullopt, std::nullopt));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->action, RootOutcome::Action::kept);
  EXPECT_FALSE(second->secret);
}

TEST_F(AccountsTest, LetTheOperatorBackInWithGivenCredentials) {
  using Action = RootOutcome::Action;
  const auto ensure = [this](const char* key, const char* secret) {
    return run(accounts_.ensure_root(std::string(key), Secret(secret))).value();
  };
  EXPECT_EQ(ensure("root", "first-secret").action, Action::created);
  EXPECT_FALSE(ensure("root", "first-secret").secret);
  EXPECT_EQ(ensure("root", "first-secret").action, Action::kept);
  EXPECT_EQ(ensure("root", "other-secret").action, Action::replaced);
  EXPECT_EQ(credentials("root")->secret().reveal(), "other-secret");
  EXPECT_EQ(ensure("nobody", "other-secret").action, Action::ignored);
  EXPECT_EQ(credentials("nobody"), nullptr);
  make("joe");
  EXPECT_EQ(ensure("joe", "joes-new-secret").action, Action::replaced);
  EXPECT_TRUE(credentials("joe")->principal.administrator);
  Accounts lost_key(catalogue_, SecretBox::generate(), clock_);
  EXPECT_EQ(run(lost_key.ensure_root("root", Secret("third-secret")))->action, Action::replaced);
  EXPECT_EQ(run(lost_key.credentials("root")).value()->secret().reveal(), "third-secret");
}

}  // namespace
}  // namespace visor::auth
