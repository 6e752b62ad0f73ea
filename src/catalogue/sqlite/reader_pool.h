// Connections that read, lent to one thread at a time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "catalogue/sqlite/connection.h"

namespace visor::catalogue::sqlite {

/// Opens connections when they are first needed, up to a number; whoever finds none idle waits.
/// Thread-safe.
class ReaderPool {
 public:
  ReaderPool(std::string path, ConnectionOptions options, std::size_t most)
      : path_(std::move(path)), options_(options), may_open_(most) {}

  /// A connection on loan; goes back when it is destroyed.
  class Loan {
   public:
    Loan(ReaderPool& pool, std::unique_ptr<Connection> connection)
        : pool_(pool), connection_(std::move(connection)) {}
    ~Loan() { pool_.give_back(std::move(connection_)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    Connection& connection() { return *connection_; }

   private:
    ReaderPool& pool_;
    std::unique_ptr<Connection> connection_;
  };

  /// Throws StorageFailure if a connection cannot be opened.
  Loan lend() { return Loan(*this, take()); }

 private:
  std::unique_ptr<Connection> take();
  void give_back(std::unique_ptr<Connection> connection);

  const std::string path_;
  const ConnectionOptions options_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t may_open_;
};

}  // namespace visor::catalogue::sqlite
