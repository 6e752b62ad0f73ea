// One image's way from one image service to another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/image_api.h"
#include "document/value.h"
#include "import_plan.h"
#include "import_transfer.h"

namespace visor::command {

/// An image of the source, and what the plan has for it.
struct PlannedImage {
  document::Value source;
  std::optional<document::Value> target;
  Step step = Step::create;
};

/// What became of it.
struct ImportedImage {
  enum class Outcome { copied, updated, skipped, failed, not_tried };
  std::string id;
  std::string name;
  Outcome outcome = Outcome::skipped;
  std::string reason;            ///< why it was skipped or failed, or what is amiss
  std::uint64_t bytes = 0;       ///< of its data, if that was sent
  bool unreachable = false;      ///< it failed because one of the services is away
  bool unauthenticated = false;  ///< or because one doesn't take the token
};
std::string_view to_string(ImportedImage::Outcome outcome);

/// The result for an image for which nothing is to be done, from its plan.
ImportedImage left_alone(const PlannedImage& planned);
/// Whether there is something to be done.
bool is_work(Step step);

/// Does what the plan has for one image after the other; what can pass is tried anew. For one
/// thread; all that it is given must outlive it.
class ImageImport {
 public:
  /// `attempts`: how often each request, and each transfer, is tried.
  ImageImport(client::ImageApi& source, client::ImageApi& target, const ImportRules& rules,
              TransferTerms terms, int attempts);

  ImportedImage run(const PlannedImage& planned);

 private:
  template <class Call>
  auto patiently(Call call) -> decltype(call());
  std::expected<document::Value, TransferFailure> make(const document::Value& source);
  std::expected<document::Value, TransferFailure> settled(const std::string& id);
  std::expected<void, TransferFailure> copy(const PlannedImage& planned);
  std::expected<void, TransferFailure> update(const document::Value& source,
                                              const document::Value& target);
  std::expected<void, TransferFailure> share(const document::Value& source);
  std::expected<void, TransferFailure> send(const document::Value& source);
  std::expected<void, TransferFailure> verify(const document::Value& source,
                                              const std::string& sha512);

  client::ImageApi& source_;
  client::ImageApi& target_;
  const ImportRules& rules_;
  TransferTerms terms_;
  int attempts_;
  int unanswered_ = 0;  ///< of the image under way: members whose answer was not ours to give
};

/// What went wrong with an image, and what can be done about it.
std::string explained(const TransferFailure& failure, const client::Address& source,
                      const client::Address& target);

}  // namespace visor::command
