// What every catalogue engine must do. An engine's own test instantiates the suite in one line, in
// one of its sources:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, CatalogueSuite, ::testing::Values(factory), engine_name);
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "conformance/catalogue_harness.h"

namespace visor::catalogue::conformance {

class CatalogueSuite : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override { harness_ = GetParam().make(); }

  Catalogue& catalogue() { return harness_->catalogue(); }

  Result<void> store(std::string id, std::vector<Fact> facts, std::uint64_t expected = 0) {
    return catalogue().apply(batch_of(put(std::move(id), std::move(facts), expected)));
  }

  // The ids that a query finds, over as many pages as it takes.
  std::vector<std::string> ids(Query query) {
    std::vector<std::string> found;
    for (;;) {
      auto page = catalogue().find(query);
      if (!page) {
        ADD_FAILURE() << page.error().message << " [" << page.error().where << "]";
        return found;
      }
      EXPECT_LE(page->records.size(), query.limit);
      for (const Record& record : page->records) found.push_back(record.id);
      if (!page->next) return found;
      query.after = page->next;
    }
  }

  static Query all() {
    Query query;
    query.collection = "images";
    return query;
  }
  static Query where(std::vector<Fact> filters) {
    Query query = all();
    query.filters = std::move(filters);
    return query;
  }
  static Query sorted(std::string by, Direction direction = Direction::ascending) {
    Query query = all();
    query.sort = std::move(by);
    query.direction = direction;
    return query;
  }

  std::unique_ptr<Harness> harness_;
};

}  // namespace visor::catalogue::conformance

#include "conformance/catalogue_suite_batches.h"
#include "conformance/catalogue_suite_concurrency.h"
#include "conformance/catalogue_suite_history.h"
#include "conformance/catalogue_suite_queries.h"
