#include "import_image.h"

#include <chrono>
#include <utility>

#include "base/encoding.h"

namespace visor::command {
namespace {

using client::Failure;
using document::Value;
using Happened = std::expected<void, TransferFailure>;

// How long an upload that broke off may take to be given up by the server, and how often to look.
constexpr std::chrono::seconds kSettling{60};
constexpr std::chrono::milliseconds kBetweenLooks{250};

std::string text_of(const Value& document, std::string_view name) {
  const std::string* text = document.text(name);
  return text != nullptr ? *text : std::string();
}

std::unexpected<TransferFailure> failed_at_source(Failure failure) {
  return std::unexpected(TransferFailure{std::move(failure), true});
}
std::unexpected<TransferFailure> failed_at_target(Failure failure) {
  return std::unexpected(TransferFailure{std::move(failure), false});
}
std::unexpected<TransferFailure> failed_at_target(Code code, std::string message) {
  return failed_at_target(client::local_failure(code, std::move(message)).error());
}

bool unsettled(const Value& image) {
  const std::string status = text_of(image, "status");
  return status == "saving" || status == "importing" || status == "uploading";
}

ImportedImage result_for(const Value& source) {
  ImportedImage result;
  result.id = text_of(source, "id");
  result.name = text_of(source, "name");
  return result;
}

std::string conflict_of(const PlannedImage& planned) {
  const auto difference = data_difference(planned.source, *planned.target);
  return "the target has other data under this id" +
         (difference ? ": " + *difference : std::string(", and the source none")) +
         ". Delete the image there if the source's is the right one, and run the same again";
}

}  // namespace

std::string_view to_string(ImportedImage::Outcome outcome) {
  switch (outcome) {
    case ImportedImage::Outcome::copied:
      return "copied";
    case ImportedImage::Outcome::updated:
      return "updated";
    case ImportedImage::Outcome::skipped:
      return "skipped";
    case ImportedImage::Outcome::failed:
      return "failed";
    case ImportedImage::Outcome::not_tried:
      break;
  }
  return "not tried";
}

bool is_work(Step step) {
  return step == Step::create || step == Step::resume || step == Step::update ||
         step == Step::withdraw;
}

ImportedImage left_alone(const PlannedImage& planned) {
  ImportedImage result = result_for(planned.source);
  if (planned.step == Step::conflict) {
    result.outcome = ImportedImage::Outcome::failed;
    result.reason = conflict_of(planned);
  } else if (planned.step == Step::not_ready) {
    result.reason = "the source has no data of it to give: it is " +
                    text_of(planned.source, "status") + " there";
  } else if (planned.step == Step::differs) {
    result.reason = "it is there, with other metadata; --update takes over that of the source";
  } else {
    result.reason = "it is there";
  }
  return result;
}

ImageImport::ImageImport(client::ImageApi& source, client::ImageApi& target,
                         const ImportRules& rules, TransferTerms terms, int attempts)
    : source_(source),
      target_(target),
      rules_(rules),
      terms_(std::move(terms)),
      attempts_(attempts) {}

template <class Call>
auto ImageImport::patiently(Call call) -> decltype(call()) {
  return command::patiently(attempts_, *terms_.stop, std::move(call));
}

ImportedImage ImageImport::run(const PlannedImage& planned) {
  ImportedImage result = result_for(planned.source);
  unanswered_ = 0;
  const bool whole = planned.step == Step::update || planned.step == Step::withdraw;
  Happened done;
  if (planned.step == Step::withdraw) {
    auto withdrawn = patiently([&] { return target_.deactivate(result.id); });
    if (!withdrawn) done = failed_at_target(std::move(withdrawn.error()));
  } else if (planned.step == Step::update) {
    done = update(planned.source, *planned.target);
  } else {
    done = copy(planned);
  }
  if (done) {
    result.outcome = whole ? ImportedImage::Outcome::updated : ImportedImage::Outcome::copied;
    result.bytes = whole ? 0 : data_size(planned.source);
    if (unanswered_ > 0) {
      result.reason = std::to_string(unanswered_) +
                      " of its members' answers could not be set with this token; they must answer "
                      "themselves";
    }
    return result;
  }
  const Failure& failure = done.error().failure;
  const bool stopped =
      terms_.stop->stopped() && (failure.error.code == Code::cancelled || may_pass(failure));
  result.outcome = stopped ? ImportedImage::Outcome::not_tried : ImportedImage::Outcome::failed;
  result.reason = stopped ? std::string("it was stopped")
                          : explained(done.error(), source_.address(), target_.address());
  result.unreachable = failure.unreachable;
  result.unauthenticated = failure.error.code == Code::unauthenticated;
  return result;
}

std::expected<Value, TransferFailure> ImageImport::make(const Value& source) {
  const std::string id = text_of(source, "id");
  const Value body = new_image(source, rules_);
  auto made = patiently([&] { return target_.create(body); });
  if (made) return std::move(*made);
  if (made.error().status != 409) return failed_at_target(std::move(made.error()));
  // An answer may have been lost, and another run may have been quicker.
  auto there = settled(id);
  if (there) return there;
  return failed_at_target(Code::conflict,
                          "the target has an image of this id that this token may not see, or had "
                          "one that was deleted (" +
                              made.error().error.message + ")");
}

std::expected<Value, TransferFailure> ImageImport::settled(const std::string& id) {
  const auto deadline = std::chrono::steady_clock::now() + kSettling;
  while (true) {
    auto image = patiently([&] { return target_.show(id); });
    if (!image) return failed_at_target(std::move(image.error()));
    if (!unsettled(*image)) return std::move(*image);
    if (std::chrono::steady_clock::now() >= deadline || terms_.stop->wait(kBetweenLooks)) {
      return failed_at_target(
          Code::conflict, "it is " + text_of(*image, "status") +
                              " at the target: somebody else sends it, or an upload broke off "
                              "there. Wait for that, or delete it there, and run the same again");
    }
  }
}

Happened ImageImport::copy(const PlannedImage& planned) {
  const Value& source = planned.source;
  const std::string id = text_of(source, "id");
  auto target = planned.step == Step::create ? make(source) : settled(id);
  if (!target) return std::unexpected(std::move(target.error()));
  if (auto updated = update(source, *target); !updated) return updated;
  if (!has_data(source)) return {};
  if (!has_data(*target)) {
    if (auto sent = send(source); !sent) return sent;
  } else if (const auto difference = data_difference(source, *target)) {
    return failed_at_target(Code::conflict,
                            "the target got other data under this id: " + *difference);
  }
  if (text_of(source, "status") != "deactivated") return {};
  auto withdrawn = patiently([&] { return target_.deactivate(id); });
  if (!withdrawn) return failed_at_target(std::move(withdrawn.error()));
  return {};
}

Happened ImageImport::update(const Value& source, const Value& target) {
  const std::string id = text_of(source, "id");
  const Value changes = metadata_changes(source, target, rules_);
  if (changes.size() > 0) {
    auto changed = patiently([&] { return target_.change(id, changes); });
    if (!changed) return failed_at_target(std::move(changed.error()));
  }
  if (auto shared = share(source); !shared) return shared;
  if (!has_data(source) || !has_data(target)) return {};
  const std::string wanted = text_of(source, "status");
  if (wanted == text_of(target, "status")) return {};
  auto done = patiently(
      [&] { return wanted == "active" ? target_.reactivate(id) : target_.deactivate(id); });
  if (!done) return failed_at_target(std::move(done.error()));
  return {};
}

Happened ImageImport::share(const Value& source) {
  if (text_of(source, "visibility") != "shared") return {};
  const std::string id = text_of(source, "id");
  auto wanted = patiently([&] { return source_.members(id); });
  if (!wanted) return failed_at_source(std::move(wanted.error()));
  auto present = patiently([&] { return target_.members(id); });
  if (!present) return failed_at_target(std::move(present.error()));
  for (const MemberChange& change : member_changes(*wanted, *present)) {
    auto changed = patiently([&] {
      switch (change.kind) {
        case MemberChange::Kind::add:
          return target_.add_member(id, change.member);
        case MemberChange::Kind::answer:
          return target_.answer_for_member(id, change.member, change.status);
        case MemberChange::Kind::remove:
          break;
      }
      return target_.remove_member(id, change.member);
    });
    // Only the member itself and an administrator may answer; without one it stays pending.
    if (!changed && change.kind == MemberChange::Kind::answer && changed.error().status == 403) {
      ++unanswered_;
      continue;
    }
    if (!changed) {
      changed.error().error.message =
          "its member " + change.member + ": " + changed.error().error.message;
      return failed_at_target(std::move(changed.error()));
    }
  }
  return {};
}

Happened ImageImport::send(const Value& source) {
  const std::string id = text_of(source, "id");
  bool wrong_once = false;
  for (int attempt = 1;; ++attempt) {
    auto sent = transfer(source_, target_, source, terms_);
    if (sent) return verify(source, *sent);
    const Failure& failure = sent.error().failure;
    const bool wrong = failure.error.code == Code::corrupt && !std::exchange(wrong_once, true);
    // The target may not have noticed yet that an upload broke off.
    const bool too_early = failure.status == 409 && !sent.error().at_source;
    if (attempt >= attempts_ || !(wrong || too_early || may_pass(failure))) {
      return std::unexpected(std::move(sent.error()));
    }
    if (terms_.stop->wait(pause_after(attempt, failure))) {
      return std::unexpected(std::move(sent.error()));
    }
    auto target = settled(id);
    if (!target) return std::unexpected(std::move(target.error()));
    // All of it arrived, and only the answer was lost.
    if (has_data(*target)) return verify(source, {});
  }
}

Happened ImageImport::verify(const Value& source, const std::string& sha512) {
  const std::string id = text_of(source, "id");
  auto stored = patiently([&] { return target_.show(id); });
  if (!stored) return failed_at_target(std::move(stored.error()));
  auto difference = data_difference(source, *stored);
  const bool shows_sha512 = text_of(*stored, "os_hash_algo") == "sha512";
  if (!difference && !sha512.empty() && shows_sha512 &&
      !equal_ignoring_case(text_of(*stored, "os_hash_value"), sha512)) {
    difference =
        "its sha512 is " + text_of(*stored, "os_hash_value") + ", and " + sha512 + " was sent";
  }
  if (!difference) return {};
  return failed_at_target(Code::corrupt,
                          "the target stored other data than what it was sent: " + *difference +
                              ". Delete the image there and run the same again");
}

std::string explained(const TransferFailure& failed, const client::Address& source,
                      const client::Address& target) {
  const Failure& failure = failed.failure;
  std::string text = failure.error.message;
  while (text.ends_with('.')) text.pop_back();
  // Who is away or doesn't take a token is named in the sentence.
  if (failure.status != 0 && failure.status != 401) {
    text = (failed.at_source ? source : target).url() + " answers: " + text;
  }
  if (failed.at_source) {
    if (failure.status == 403) text += ". Only an administrator may read a deactivated image";
    return text;
  }
  if (failure.status == 415) {
    text +=
        ". If the image is sound all the same, let VISOR take it with "
        "`glance: {strict_formats: false}` in its configuration and run the same again";
  } else if (failure.status == 413 || failure.status == 507) {
    text += ". Make room there, or raise the quota of its owner, and run the same again";
  } else if (failure.status == 403) {
    text +=
        ". An administrator's token may set owners and make images public; --no-owner leaves "
        "owners out";
  }
  return text;
}

}  // namespace visor::command
