#include "store/measured_store.h"

#include <chrono>
#include <utility>

#include "base/metrics.h"

namespace visor::store {
namespace {

using Steady = std::chrono::steady_clock;

bool fault_of_store(Code code) {
  switch (code) {
    case Code::no_space:
    case Code::unavailable:
    case Code::timeout:
    case Code::corrupt:
    case Code::internal:
      return true;
    default:
      return false;
  }
}

class Operation {
 public:
  Operation(const std::string& store, std::string_view operation)
      : seconds_(metrics::Registry::process().histogram(
            "visor_store_seconds", "Time that a store took for an operation.",
            metrics::Unit::duration, metrics::call_bounds(),
            {{"store", store}, {"operation", operation}})),
        errors_(metrics::Registry::process().counter(
            "visor_store_errors_total", "Operations that a store could not do.",
            {{"store", store}, {"operation", operation}})) {}

  template <class T>
  void done(Steady::time_point began, const Result<T>& result) {
    seconds_.observe(Steady::now() - began);
    if (!result && fault_of_store(result.error().code)) errors_.add();
  }

 private:
  metrics::Histogram& seconds_;
  metrics::Counter& errors_;
};

struct Operations {
  explicit Operations(const std::string& store)
      : stat(store, "stat"),
        open(store, "open"),
        create(store, "create"),
        write(store, "write"),
        commit(store, "commit"),
        replace(store, "replace"),
        remove(store, "remove"),
        list(store, "list") {}

  Operation stat, open, create, write, commit, replace, remove, list;
};

// Knows nothing of the store but the metrics, which outlive it.
class MeasuredWriter final : public BlobWriter {
 public:
  MeasuredWriter(std::unique_ptr<BlobWriter> writer, Operation write, Operation commit)
      : writer_(std::move(writer)), write_(write), commit_(commit) {}

  async::Task<Result<void>> write(std::span<const std::byte> bytes) override {
    const auto began = Steady::now();
    Result<void> written = co_await writer_->write(bytes);
    write_.done(began, written);
    co_return written;
  }
  async::Task<Result<void>> commit(std::uint64_t size) override {
    const auto began = Steady::now();
    Result<void> committed = co_await writer_->commit(size);
    commit_.done(began, committed);
    co_return committed;
  }
  async::Task<void> abort() override { return writer_->abort(); }

 private:
  std::unique_ptr<BlobWriter> writer_;
  Operation write_;
  Operation commit_;
};

class MeasuredStore final : public Store {
 public:
  MeasuredStore(const std::string& name, std::unique_ptr<Store> store)
      : store_(std::move(store)), operations_(name) {}

  Capability capability() const override { return store_->capability(); }

  async::Task<Result<BlobStatus>> stat(std::string key) override {
    const auto began = Steady::now();
    Result<BlobStatus> status = co_await store_->stat(std::move(key));
    operations_.stat.done(began, status);
    co_return status;
  }

  async::Task<Result<std::unique_ptr<async::ByteSource>>> open(std::string key, ByteRange range,
                                                               std::string version) override {
    const auto began = Steady::now();
    Result<std::unique_ptr<async::ByteSource>> source =
        co_await store_->open(std::move(key), range, std::move(version));
    operations_.open.done(began, source);
    co_return source;
  }

  async::Task<Result<std::unique_ptr<BlobWriter>>> create(
      std::string key, std::optional<std::uint64_t> size) override {
    const auto began = Steady::now();
    Result<std::unique_ptr<BlobWriter>> writer = co_await store_->create(std::move(key), size);
    operations_.create.done(began, writer);
    if (!writer) co_return writer;
    co_return std::make_unique<MeasuredWriter>(std::move(*writer), operations_.write,
                                               operations_.commit);
  }

  async::Task<Result<void>> replace(std::string key, std::string bytes) override {
    const auto began = Steady::now();
    Result<void> replaced = co_await store_->replace(std::move(key), std::move(bytes));
    operations_.replace.done(began, replaced);
    co_return replaced;
  }

  async::Task<Result<void>> remove(std::string key) override {
    const auto began = Steady::now();
    Result<void> removed = co_await store_->remove(std::move(key));
    operations_.remove.done(began, removed);
    co_return removed;
  }

  async::Task<Result<Listing>> list(std::string after, std::uint32_t limit) override {
    const auto began = Steady::now();
    Result<Listing> listing = co_await store_->list(std::move(after), limit);
    operations_.list.done(began, listing);
    co_return listing;
  }

  std::string location(const std::string& key) const override { return store_->location(key); }

  Result<std::string> presigned(const std::string& key,
                                std::chrono::seconds validity) const override {
    return store_->presigned(key, validity);
  }

  void tidy() override { store_->tidy(); }

 private:
  std::unique_ptr<Store> store_;
  Operations operations_;
};

}  // namespace

std::unique_ptr<Store> measured(std::string name, std::unique_ptr<Store> store) {
  return std::make_unique<MeasuredStore>(name, std::move(store));
}

}  // namespace visor::store
