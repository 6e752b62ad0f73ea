// All images of one image service, on their way to another.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "client/image_api.h"
#include "client/progress.h"
#include "import_image.h"
#include "import_plan.h"
#include "import_side.h"
#include "import_transfer.h"
#include "interrupt.h"

namespace visor::command {

/// Which images; empty texts and lists choose all.
struct Selection {
  std::string owner;
  std::string visibility;
  std::string name;
  std::vector<std::string> ids;
};

/// What there is to do. `left` are those for which nothing is.
struct ImportPlan {
  std::vector<PlannedImage> work;
  std::vector<PlannedImage> left;
  std::vector<std::string> unknown;  ///< chosen ids that the source doesn't have
};

struct ImportTerms {
  unsigned jobs = 2;
  int attempts = 5;
  std::uint64_t rate = 0;  ///< bytes a second; 0: no limit
};

/// Compares what the source has with what the target has, page by page; what can pass is tried
/// anew.
std::expected<ImportPlan, TransferFailure> plan_import(client::ImageApi& source,
                                                       client::ImageApi& target,
                                                       const Selection& selection,
                                                       const ImportRules& rules,
                                                       const ImportTerms& terms, StopSignal& stop);

struct ImportSides {
  Side from;
  Side to;
  client::TokenSource& from_tokens;
  client::TokenSource& to_tokens;
};

/// Does the work, several images at a time, until it is done, `interrupt` came or a service stays
/// away. `progress` is told in this thread. Images that were not tried are among the results.
std::vector<ImportedImage> run_import(const std::vector<PlannedImage>& work,
                                      const ImportSides& sides, const ImportRules& rules,
                                      const ImportTerms& terms, StopSignal& stop,
                                      const Interrupt& interrupt, client::Progress& progress);

}  // namespace visor::command
