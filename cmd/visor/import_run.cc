#include "import_run.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "base/encoding.h"
#include "base/units.h"

namespace visor::command {
namespace {

using client::ImageApi;
using client::Outcome;
using document::Value;
using Outcomes = ImportedImage::Outcome;

constexpr std::chrono::milliseconds kRedraw{100};
// After so many images in a row that failed because a service is away, it is not coming back.
constexpr int kPatience = 3;
// For fewer images it costs less to ask for each than to read a list.
constexpr std::size_t kFew = 50;
constexpr std::string_view kHiddenToo[] = {"os_hidden=false", "os_hidden=true"};
// The most that Glance gives by default; a server that has another limit gives shorter pages.
constexpr std::string_view kPage = "&limit=1000";
// A server that always names a next page must not keep the client for ever.
constexpr int kMostPages = 1'000'000;

std::string id_of(const Value& image) { return *image.text("id"); }

/// Gives `take` all images of the query, hidden ones too. A page that fails is asked for anew
/// alone, so that a long list ends some time on a server that can't keep up.
Outcome<void> list_all(ImageApi& service, const std::string& query, const ImportTerms& terms,
                       StopSignal& stop, const std::function<void(Value)>& take) {
  for (const auto hidden : kHiddenToo) {
    std::optional<std::string> next = query + "&" + std::string(hidden) + std::string(kPage);
    for (int count = 0; next && count < kMostPages; ++count) {
      auto page = patiently(terms.attempts, stop, [&] { return service.list(*next); });
      if (!page) return client::pass_on(page);
      for (Value& image : page->images) take(std::move(image));
      next = std::move(page->next);
    }
  }
  return {};
}

Outcome<std::vector<Value>> chosen_images(ImageApi& source, const Selection& selection,
                                          const ImportTerms& terms, StopSignal& stop) {
  const std::string visibility = selection.visibility.empty() ? "all" : selection.visibility;
  std::string query = "visibility=" + percent_encode(visibility) + "&member_status=all";
  if (!selection.owner.empty()) query += "&owner=" + percent_encode(selection.owner);
  const std::set<std::string> ids(selection.ids.begin(), selection.ids.end());
  std::vector<Value> images;
  std::set<std::string> seen;
  const auto take = [&](Value image) {
    const std::string* name = image.text("name");
    const bool named = selection.name.empty() || (name != nullptr && *name == selection.name);
    const bool chosen = ids.empty() || ids.contains(id_of(image));
    // A page may show an image again that was changed meanwhile.
    if (named && chosen && seen.insert(id_of(image)).second) images.push_back(std::move(image));
  };
  if (auto listed = list_all(source, query, terms, stop, take); !listed) {
    return client::pass_on(listed);
  }
  // The newest comes first in a list. The oldest is what others were made from.
  std::ranges::reverse(images);
  return images;
}

/// Those of the images that the target has.
Outcome<std::map<std::string, Value>> present_images(ImageApi& target,
                                                     const std::vector<Value>& wanted,
                                                     const ImportTerms& terms, StopSignal& stop) {
  std::map<std::string, Value> present;
  if (wanted.size() <= kFew) {
    for (const Value& image : wanted) {
      auto shown = patiently(terms.attempts, stop, [&] { return target.show(id_of(image)); });
      if (shown) {
        present.emplace(id_of(image), std::move(*shown));
      } else if (shown.error().status != 404) {
        return client::pass_on(shown);
      }
    }
    return present;
  }
  std::set<std::string> ids;
  for (const Value& image : wanted) ids.insert(id_of(image));
  const auto take = [&](Value image) {
    if (ids.contains(id_of(image))) present.insert_or_assign(id_of(image), std::move(image));
  };
  const std::string query = "visibility=all&member_status=all";
  if (auto listed = list_all(target, query, terms, stop, take); !listed) {
    return client::pass_on(listed);
  }
  return present;
}

/// What the threads of an import tell one another.
class Board {
 public:
  Board(const std::vector<PlannedImage>& work, StopSignal& stop)
      : work_(work), stop_(stop), moved_(work.size()) {}

  /// The next image, by its place in the work; nothing if there is none any more.
  std::optional<std::size_t> next() {
    const std::lock_guard lock(mutex_);
    if (next_ == work_.size() || stop_.stopped()) return std::nullopt;
    return next_++;
  }

  void advance(std::size_t place, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    // What is sent once more brings nothing nearer.
    if (bytes <= moved_[place]) return;
    done_ += bytes - moved_[place];
    moved_[place] = bytes;
  }

  void add(std::size_t place, ImportedImage image) {
    const std::lock_guard lock(mutex_);
    const bool away = image.unreachable && image.outcome == Outcomes::failed;
    away_ = away ? away_ + 1 : 0;
    if (away_ >= kPatience || (image.unauthenticated && image.outcome == Outcomes::failed)) {
      stop_.stop();
    }
    // Of an image that failed nothing is left to wait for either.
    const std::uint64_t size = data_size(work_[place].source);
    done_ += size - std::min(size, moved_[place]);
    moved_[place] = size;
    results_.push_back(std::move(image));
    changed_.notify_all();
  }

  void leave() {
    const std::lock_guard lock(mutex_);
    ++left_;
    changed_.notify_all();
  }

  /// Waits a moment for something to tell; false once `workers` threads have left and all is told.
  bool wait(unsigned workers, std::uint64_t& done, std::vector<ImportedImage>& news) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kRedraw, [&] { return left_ == workers || told_ < results_.size(); });
    news.assign(results_.begin() + static_cast<std::ptrdiff_t>(told_), results_.end());
    told_ = results_.size();
    done = done_;
    return left_ < workers;
  }

  /// The results, those included of which there is none. Only once all threads have left.
  std::vector<ImportedImage> results() {
    for (std::size_t place = next_; place < work_.size(); ++place) {
      ImportedImage image;
      image.id = id_of(work_[place].source);
      if (const std::string* name = work_[place].source.text("name")) image.name = *name;
      image.outcome = Outcomes::not_tried;
      results_.push_back(std::move(image));
    }
    return std::move(results_);
  }

 private:
  const std::vector<PlannedImage>& work_;
  StopSignal& stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_ = 0;
  std::size_t told_ = 0;
  unsigned left_ = 0;
  int away_ = 0;
  std::uint64_t done_ = 0;
  std::vector<std::uint64_t> moved_;
  std::vector<ImportedImage> results_;
};

void tell(client::Progress& progress, const ImportedImage& image) {
  if (image.outcome == Outcomes::not_tried) return;
  const std::string title = image.id + (image.name.empty() ? "" : " " + image.name);
  if (image.outcome == Outcomes::failed) {
    progress.notice("failed  " + title + ": " + image.reason);
  } else if (image.outcome == Outcomes::copied) {
    progress.notice("copied  " + title + " (" + format_size(image.bytes) + ")");
  } else {
    progress.notice("updated " + title);
  }
}

}  // namespace

std::expected<ImportPlan, TransferFailure> plan_import(ImageApi& source, ImageApi& target,
                                                       const Selection& selection,
                                                       const ImportRules& rules,
                                                       const ImportTerms& terms, StopSignal& stop) {
  auto images = chosen_images(source, selection, terms, stop);
  if (!images) return std::unexpected(TransferFailure{std::move(images.error()), true});
  auto present = present_images(target, *images, terms, stop);
  if (!present) return std::unexpected(TransferFailure{std::move(present.error()), false});
  ImportPlan plan;
  std::set<std::string> unknown(selection.ids.begin(), selection.ids.end());
  for (Value& image : *images) {
    unknown.erase(id_of(image));
    PlannedImage planned;
    if (const auto found = present->find(id_of(image)); found != present->end()) {
      planned.target = std::move(found->second);
    }
    planned.source = std::move(image);
    planned.step = decide(planned.source, planned.target ? &*planned.target : nullptr, rules);
    (is_work(planned.step) ? plan.work : plan.left).push_back(std::move(planned));
  }
  plan.unknown.assign(unknown.begin(), unknown.end());
  return plan;
}

std::vector<ImportedImage> run_import(const std::vector<PlannedImage>& work,
                                      const ImportSides& sides, const ImportRules& rules,
                                      const ImportTerms& terms, StopSignal& stop,
                                      const Interrupt& interrupt, client::Progress& progress) {
  Board board(work, stop);
  RateLimit limit(terms.rate);
  const auto work_through = [&] {
    ImageApi source(sides.from.connection, sides.from_tokens);
    ImageApi target(sides.to.connection, sides.to_tokens);
    std::size_t place = 0;
    const TransferTerms transfer_terms{
        .stop = &stop,
        .limit = &limit,
        .resumptions = terms.attempts - 1,
        .advance = [&](std::uint64_t bytes) { board.advance(place, bytes); }};
    ImageImport import(source, target, rules, transfer_terms, terms.attempts);
    while (const auto next = board.next()) {
      place = *next;
      board.add(place, import.run(work[place]));
    }
    board.leave();
  };

  std::uint64_t total = 0;
  for (const PlannedImage& planned : work) {
    const bool sent = planned.step == Step::create || planned.step == Step::resume;
    if (sent) total += data_size(planned.source);
  }
  if (total > 0) progress.begin("copying", 0, total);
  const auto workers = static_cast<unsigned>(std::min<std::size_t>(terms.jobs, work.size()));
  std::vector<std::thread> threads;
  for (unsigned each = 0; each < workers; ++each) threads.emplace_back(work_through);
  std::vector<ImportedImage> news;
  std::uint64_t done = 0;
  bool going_on = true;
  while (going_on) {
    going_on = board.wait(workers, done, news);
    if (interrupt.came()) stop.stop();
    for (const ImportedImage& image : news) tell(progress, image);
    if (total > 0) progress.advance(std::min(done, total));
  }
  for (std::thread& thread : threads) thread.join();
  if (total > 0) progress.end(!stop.stopped());
  return board.results();
}

}  // namespace visor::command
