#include "service/account_service.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "async/worker_pool.h"
#include "catalogue/memory/memory_catalogue.h"

namespace visor::service {
namespace {

class AccountServiceTest : public ::testing::Test {
 protected:
  AccountServiceTest() {
    EXPECT_TRUE(
        async::run_until_done(accounts_.ensure_root("root", Secret("root-secret-0123456789"))));
  }

  static auth::Account account_named(std::string access_key) {
    auth::Account account;
    account.access_key = std::move(access_key);
    account.email = "someone@example.org";
    return account;
  }

  catalogue::MemoryCatalogue catalogue_;
  async::WorkerPool pool_{"catalogue", 2, 100};
  catalogue::Client client_{catalogue_, pool_};
  auth::Accounts accounts_{client_, auth::SecretBox::generate()};
  AccountService service_{accounts_};
  const Principal root_ = Principal::root("root");
};

TEST_F(AccountServiceTest, AnAdministratorManagesAccounts) {
  const auto created =
      async::run_until_done(service_.create(root_, account_named("ada"), std::nullopt));
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_TRUE(created->secret);
  EXPECT_EQ(async::run_until_done(service_.get(root_, "ada"))->email, "someone@example.org");

  auth::AccountChange change;
  change.quota_images = 3;
  const auto changed = async::run_until_done(service_.update(root_, "ada", change));
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->account.quota_images, 3u);
  EXPECT_FALSE(changed->secret);

  change.renew_secret = true;
  const auto renewed = async::run_until_done(service_.update(root_, "ada", change));
  ASSERT_TRUE(renewed && renewed->secret);
  EXPECT_NE(renewed->secret->reveal(), created->secret->reveal());

  const auto page = async::run_until_done(service_.list(root_, std::nullopt, 10));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->accounts.size(), 2u);

  EXPECT_TRUE(async::run_until_done(service_.remove(root_, "ada")));
  EXPECT_EQ(async::run_until_done(service_.get(root_, "ada")).error().code, Code::not_found);
}

TEST_F(AccountServiceTest, NobodyElseReachesAccountsNotEvenTheirOwn) {
  ASSERT_TRUE(async::run_until_done(service_.create(root_, account_named("ada"), std::nullopt)));
  for (const Principal& who : {Principal::of("ada"), Principal::nobody()}) {
    EXPECT_EQ(async::run_until_done(service_.list(who, std::nullopt, 10)).error().code,
              Code::forbidden);
    EXPECT_EQ(async::run_until_done(service_.get(who, "ada")).error().code, Code::forbidden);
    EXPECT_EQ(async::run_until_done(service_.get(who, "unknown")).error().code, Code::forbidden);
    EXPECT_EQ(async::run_until_done(service_.create(who, account_named("eve"), std::nullopt))
                  .error()
                  .code,
              Code::forbidden);
    EXPECT_EQ(async::run_until_done(service_.update(who, "ada", {})).error().code, Code::forbidden);
    EXPECT_EQ(async::run_until_done(service_.remove(who, "ada")).error().code, Code::forbidden);
  }
  EXPECT_TRUE(async::run_until_done(service_.get(root_, "ada")));
}

}  // namespace
}  // namespace visor::service
