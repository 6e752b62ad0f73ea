#include "import_transfer.h"

#include <algorithm>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "base/encoding.h"
#include "client/pipe.h"
#include "import_plan.h"

namespace visor::command {
namespace {

using client::Failure;
using client::Outcome;
using document::Value;

// A pause of one side is not felt at once by the other.
constexpr std::size_t kPipe = std::size_t{4} << 20;

/// Takes what the source sends, from where an earlier answer broke off.
class PipeSink final : public client::BodySink {
 public:
  PipeSink(client::Pipe& pipe, const TransferTerms& terms) : pipe_(pipe), terms_(terms) {}

  std::uint64_t received() const { return received_; }

  Outcome<bool> begin(const client::AnswerHead& head) override {
    if (head.status >= 300) return false;
    if (head.status == 204) {
      return client::local_failure(Code::invalid, "the source has no data for it");
    }
    // Who doesn't know ranges sends what is here already once more.
    passed_over_ = head.status == 206 ? received_ : 0;
    return true;
  }

  Outcome<void> write(std::span<const std::byte> bytes) override {
    const auto known = std::min<std::uint64_t>(bytes.size(), received_ - passed_over_);
    passed_over_ += known;
    bytes = bytes.subspan(known);
    if (auto written = pipe_.write(bytes); !written) return written;
    received_ += bytes.size();
    passed_over_ += bytes.size();
    const auto pause = terms_.limit->take(bytes.size(), std::chrono::steady_clock::now());
    if (pause.count() > 0 && terms_.stop->wait(pause)) {
      return client::local_failure(Code::cancelled, "stopped");
    }
    return {};
  }

 private:
  client::Pipe& pipe_;
  const TransferTerms& terms_;
  std::uint64_t received_ = 0;
  std::uint64_t passed_over_ = 0;
};

/// What the target is sent: as long as the source said, and of the digests that it said.
class CheckedBody final : public client::BodySource {
 public:
  CheckedBody(client::Pipe& pipe, const Value& image, const TransferTerms& terms)
      : pipe_(pipe), terms_(terms), size_(data_size(image)) {
    expect(DigestAlgorithm::sha512, nullptr);
    const std::string* kind = image.text("os_hash_algo");
    const auto algorithm = kind != nullptr ? parse_digest_algorithm(*kind) : std::nullopt;
    const std::string* value = image.text("os_hash_value");
    if (algorithm && value != nullptr) {
      expect(*algorithm, value);
    } else if (const std::string* md5 = image.text("checksum")) {
      expect(DigestAlgorithm::md5, md5);
    }
  }

  std::optional<std::uint64_t> size() const override { return size_; }
  std::string sha512() const {
    const auto found = found_.find(DigestAlgorithm::sha512);
    return found != found_.end() ? found->second : digest_hex(DigestAlgorithm::sha512, "");
  }

  Outcome<std::size_t> read(std::span<std::byte> into) override {
    auto got = pipe_.read(into.first(std::min<std::uint64_t>(into.size(), size_ - sent_)));
    if (!got) return got;
    if (*got == 0 && sent_ < size_) {
      return client::local_failure(Code::corrupt, "the source sent " + std::to_string(sent_) +
                                                      " of " + std::to_string(size_) + " bytes");
    }
    for (auto& [algorithm, digester] : digesters_) digester.update(into.first(*got));
    sent_ += *got;
    if (*got > 0 && sent_ == size_) {
      if (auto right = check(); !right) return client::pass_on(right);
    }
    terms_.advance(sent_);
    return got;
  }

 private:
  void expect(DigestAlgorithm algorithm, const std::string* value) {
    digesters_.try_emplace(algorithm, algorithm);
    if (value != nullptr) expected_[algorithm] = *value;
  }

  Outcome<void> check() {
    for (auto& [algorithm, digester] : digesters_) found_[algorithm] = digester.finish_hex();
    for (const auto& [algorithm, value] : expected_) {
      if (equal_ignoring_case(found_[algorithm], value)) continue;
      return client::local_failure(Code::corrupt,
                                   "the source sent other data than it says it has: the " +
                                       std::string(to_string(algorithm)) + " of what came is " +
                                       found_[algorithm] + ", not " + value);
    }
    return {};
  }

  client::Pipe& pipe_;
  const TransferTerms& terms_;
  const std::uint64_t size_;
  std::uint64_t sent_ = 0;
  std::map<DigestAlgorithm, Digester> digesters_;
  std::map<DigestAlgorithm, std::string> expected_;
  std::map<DigestAlgorithm, std::string> found_;
};

/// Receives all of the image's data; goes on where the source broke off as long as that helps.
Outcome<void> receive(client::ImageApi& source, const std::string& id, PipeSink& sink,
                      const TransferTerms& terms) {
  for (int attempt = 1;; ++attempt) {
    const std::uint64_t before = sink.received();
    auto received = source.download(id, before, sink);
    if (received || !may_pass(received.error())) return received;
    // As long as something comes, patience is not used up.
    if (sink.received() > before) attempt = 1;
    if (attempt > terms.resumptions || terms.stop->wait(pause_after(attempt, received.error()))) {
      return received;
    }
  }
}

}  // namespace

std::chrono::steady_clock::duration RateLimit::take(std::size_t bytes,
                                                    std::chrono::steady_clock::time_point now) {
  if (rate_ == 0) return {};
  const std::lock_guard lock(mutex_);
  const std::chrono::duration<double> cost(static_cast<double>(bytes) / static_cast<double>(rate_));
  paid_until_ = std::max(paid_until_, now) +
                std::chrono::duration_cast<std::chrono::steady_clock::duration>(cost);
  return paid_until_ - now;
}

std::expected<std::string, TransferFailure> transfer(client::ImageApi& source,
                                                     client::ImageApi& target, const Value& image,
                                                     const TransferTerms& terms) {
  const std::string& id = *image.text("id");
  client::Pipe pipe(kPipe);
  std::optional<Failure> source_failed;
  std::thread receiver([&] {
    PipeSink sink(pipe, terms);
    auto received = receive(source, id, sink, terms);
    if (received) {
      pipe.finish();
    } else {
      source_failed = received.error();
      pipe.fail(std::move(received.error()));
    }
  });
  CheckedBody body(pipe, image, terms);
  auto sent = target.upload(id, body);
  pipe.leave();
  receiver.join();
  if (sent) return body.sha512();
  // A source that noticed only that nobody listens any more has not failed.
  const bool at_source = (source_failed && source_failed->error.code != Code::cancelled) ||
                         sent.error().error.code == Code::corrupt;
  if (source_failed && source_failed->error.code != Code::cancelled) {
    return std::unexpected(TransferFailure{std::move(*source_failed), true});
  }
  return std::unexpected(TransferFailure{std::move(sent.error()), at_source});
}

}  // namespace visor::command
