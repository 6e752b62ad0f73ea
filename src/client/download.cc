#include "client/download.h"

#include <algorithm>
#include <array>
#include <thread>

#include "base/encoding.h"
#include "base/units.h"

namespace visor::client {
namespace {

/// A weak tag, or none, does not say that the bytes are the same.
std::string strong_tag(const Headers& headers) {
  const auto tag = headers.find("etag");
  return tag.starts_with('"') ? std::string(tag) : std::string();
}

struct ContentRange {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> total;
};

/// RFC 9110, 14.4: "bytes 5-9/10" or "bytes 5-9/*".
std::optional<ContentRange> parse_content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const auto dash = text.find('-');
  const auto slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) {
    return std::nullopt;
  }
  const auto first = parse_unsigned(text.substr(0, dash));
  if (!first || !parse_unsigned(text.substr(dash + 1, slash - dash - 1))) return std::nullopt;
  return ContentRange{*first, parse_unsigned(text.substr(slash + 1))};
}

bool worth_another_try(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

class Download final : public BodySink {
 public:
  Download(Session& session, const std::string& id, const AnswerHead& head, DownloadTarget& target,
           Progress& progress, const Persistence& persistence)
      : session_(session),
        id_(id),
        target_(target),
        progress_(progress),
        persistence_(persistence) {
    take_facts(head);
    tag_ = strong_tag(head.headers);
  }

  Outcome<Downloaded> run() {
    if (auto kept = keep_or_drop(); !kept) return pass_on(kept);
    result_.resumed_from = target_.size();
    auto fetched = fetch();
    if (begun_) progress_.end(fetched.has_value());
    if (!fetched) return pass_on(fetched);
    return verify();
  }

  Outcome<bool> begin(const AnswerHead& head) override {
    skip_ = 0;
    if (head.status == 200) {
      if (auto ready = take_whole(head); !ready) return pass_on(ready);
    } else if (head.status == 206) {
      if (auto ready = take_rest(head); !ready) return pass_on(ready);
    } else {
      return false;
    }
    if (!begun_) progress_.begin("downloading", target_.size(), total_);
    begun_ = true;
    return true;
  }

  Outcome<void> write(std::span<const std::byte> bytes) override {
    const auto skipped = std::min<std::uint64_t>(skip_, bytes.size());
    skip_ -= skipped;
    bytes = bytes.subspan(skipped);
    if (bytes.empty()) return {};
    if (auto kept = target_.append(bytes); !kept) return kept;
    if (digester_) digester_->update(bytes);
    progress_.advance(target_.size());
    return {};
  }

 private:
  void take_facts(const AnswerHead& head) {
    const Attributes attributes = read_metadata(head.headers);
    expected_ = best_digest(attributes);
    total_.reset();
    if (const auto size = attribute(attributes, "size")) total_ = parse_unsigned(*size);
  }

  void fresh_digester() {
    digester_.reset();
    if (expected_) digester_.emplace(expected_->algorithm);
  }

  /// What an earlier attempt left is either continued or worthless.
  Outcome<void> keep_or_drop() {
    const std::uint64_t have = target_.size();
    fresh_digester();
    if (have == 0) return {};
    if (tag_.empty() || target_.entity_tag() != tag_ || (total_ && have > *total_)) {
      progress_.notice(
          "The data that an earlier attempt left is of another version; beginning anew.");
      return target_.restart({});
    }
    progress_.notice("Continuing after " + format_size(have) + " that an earlier attempt left.");
    return digester_ ? target_.digest(*digester_) : Outcome<void>();
  }

  /// The whole data comes: the first time, or since it changed, or from a server that knows no
  /// ranges.
  Outcome<void> take_whole(const AnswerHead& head) {
    const std::string tag = strong_tag(head.headers);
    if (target_.size() > 0 && !tag.empty() && tag == target_.entity_tag()) {
      skip_ = target_.size();
      return {};
    }
    take_facts(head);
    if (auto emptied = target_.restart(tag); !emptied) return emptied;
    result_.resumed_from = 0;
    tag_ = tag;
    begun_ = false;
    fresh_digester();
    if (const auto length = parse_unsigned(head.headers.find("content-length")); !total_) {
      total_ = length;
    }
    return {};
  }

  Outcome<void> take_rest(const AnswerHead& head) {
    const auto range = parse_content_range(head.headers.find("content-range"));
    const std::string tag = strong_tag(head.headers);
    if (!range || range->first != target_.size() || (!tag.empty() && tag != tag_)) {
      return local_failure(Code::corrupt,
                           "the server sent another part of the image than the one asked for");
    }
    if (!total_) total_ = range->total;
    return {};
  }

  Request request() const {
    Request request;
    request.path = "/images/" + percent_encode(id_);
    request.headers.push_back({"Accept", "application/octet-stream"});
    request.headers.push_back({"x-visor-redirect", "none"});
    if (target_.size() > 0) {
      request.headers.push_back({"Range", "bytes=" + std::to_string(target_.size()) + "-"});
      request.headers.push_back({"If-Range", tag_});
    }
    return request;
  }

  bool complete() const { return target_.size() > 0 && total_ && target_.size() == *total_; }

  Outcome<void> fetch() {
    int fruitless = 0;
    int breaks = 0;
    bool emptied = false;
    while (!complete()) {
      // Without a strong tag nothing vouches that the rest belongs to the beginning.
      if (target_.size() > 0 && tag_.empty()) {
        if (auto anew = target_.restart({}); !anew) return anew;
        fresh_digester();
      }
      const std::uint64_t before = target_.size();
      auto answer = session_.send(request(), this);
      if (answer && answer->head.status < 300) {
        const bool more = total_ && target_.size() < *total_ && target_.size() > before;
        if (more && answer->head.status == 206) continue;
        return {};
      }
      if (answer && answer->head.status == 416 && target_.size() > 0 && !emptied) {
        emptied = true;
        if (auto anew = target_.restart({}); !anew) return anew;
        fresh_digester();
        continue;
      }
      Failure failure = answer ? failure_of(*answer) : std::move(answer.error());
      const bool transient = answer ? worth_another_try(answer->head.status)
                                    : failure.unreachable && failure.error.retry == Retry::later;
      fruitless = target_.size() > before ? 0 : fruitless + 1;
      if (!transient || fruitless >= persistence_.fruitless || ++breaks > persistence_.breaks) {
        return std::unexpected<Failure>(std::move(failure));
      }
      pause(failure, fruitless);
    }
    return {};
  }

  void pause(const Failure& failure, int fruitless) const {
    auto wait = persistence_.first_wait;
    for (int step = 0; step < fruitless && wait < persistence_.longest_wait; ++step) wait *= 2;
    wait = std::min(wait, persistence_.longest_wait);
    progress_.notice(failure.error.message + "; trying again in " + format_duration(wait) + ".");
    if (persistence_.wait) {
      persistence_.wait(wait);
    } else {
      std::this_thread::sleep_for(wait);
    }
  }

  Outcome<Downloaded> verify() {
    result_.size = target_.size();
    if (total_ && result_.size != *total_) {
      target_.discard();
      return damaged("it has " + std::to_string(result_.size) + " bytes instead of " +
                     std::to_string(*total_));
    }
    if (expected_ && digester_) {
      const std::string name(to_string(expected_->algorithm));
      const std::string digest = digester_->finish_hex();
      if (digest != expected_->hex) {
        target_.discard();
        return damaged("its digest (" + name + ") is " + digest + " instead of " + expected_->hex);
      }
      result_.digest = expected_;
    }
    if (!total_ && !result_.digest) {
      target_.discard();
      return damaged("the server tells neither its length nor a digest, so it may be cut short");
    }
    if (auto kept = target_.commit(); !kept) return pass_on(kept);
    return result_;
  }

  std::unexpected<Failure> damaged(const std::string& how) const {
    return local_failure(Code::corrupt,
                         "the data of image " + id_ + " can't be trusted: " + how +
                             ". What was received is not kept. Try again; if that gives the same, "
                             "the image is damaged on the server");
  }

  Session& session_;
  const std::string& id_;
  DownloadTarget& target_;
  Progress& progress_;
  const Persistence& persistence_;
  std::string tag_;
  std::optional<ExpectedDigest> expected_;
  std::optional<std::uint64_t> total_;
  std::optional<Digester> digester_;
  std::uint64_t skip_ = 0;
  bool begun_ = false;
  Downloaded result_;
};

bool is_hex(std::string_view text, std::size_t length) {
  return text.size() == length && std::ranges::all_of(text, [](char letter) {
           return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
         });
}

bool fit_for_file_name(std::string_view text) {
  return !text.empty() && text.size() <= 200 && text.front() != '.' && text.front() != '-' &&
         std::ranges::all_of(text, [](char letter) {
           return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
                  (letter >= 'A' && letter <= 'Z') || letter == '-' || letter == '_' ||
                  letter == '.';
         });
}

}  // namespace

std::optional<ExpectedDigest> best_digest(const Attributes& attributes) {
  struct Candidate {
    std::string_view name;
    DigestAlgorithm algorithm;
    std::size_t length;
  };
  constexpr std::array<Candidate, 5> kCandidates{{{"sha256", DigestAlgorithm::sha256, 64},
                                                  {"sha512", DigestAlgorithm::sha512, 128},
                                                  {"sha1", DigestAlgorithm::sha1, 40},
                                                  {"md5", DigestAlgorithm::md5, 32},
                                                  {"checksum", DigestAlgorithm::md5, 32}}};
  const bool reference = attribute(attributes, "store") == "http";
  for (const auto& [name, algorithm, length] : kCandidates) {
    const auto value = attribute(attributes, name);
    if (!value || (reference && name == "checksum")) continue;
    std::string hex = to_lower(*value);
    if (is_hex(hex, length)) return ExpectedDigest{algorithm, std::move(hex)};
  }
  return std::nullopt;
}

Result<std::string> file_name(std::string_view id, const Attributes& attributes) {
  if (!fit_for_file_name(id)) {
    return fail(Code::invalid, "'" + std::string(id) + "' is no image id");
  }
  const auto format = attribute(attributes, "format");
  if (!format || !fit_for_file_name(*format)) return std::string(id);
  return std::string(id) + "." + std::string(*format);
}

Outcome<Downloaded> download(Session& session, const std::string& id, const AnswerHead& head,
                             DownloadTarget& target, Progress& progress,
                             const Persistence& persistence) {
  return Download(session, id, head, target, progress, persistence).run();
}

}  // namespace visor::client
