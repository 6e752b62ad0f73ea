// SQLite's C API with owners. Private to this folder: nobody else sees SQLite.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"

namespace visor::catalogue::sqlite {

/// A failed call to SQLite, on its way to the border of this folder, where `guarded` makes an Error
/// of it.
struct StorageFailure {
  Error error;
};

/// The error for SQLite's (extended) result code: full disks, damage, other users of the file, lost
/// permissions.
Error storage_error(int result_code, int system_errno, std::string where);

class Connection;

/// A prepared statement on loan from its connection; goes back, reset and without parameters, when
/// it is destroyed. Must not outlive the connection.
class Statement {
 public:
  Statement(Connection& connection, const char* sql, sqlite3_stmt* statement)
      : connection_(&connection), sql_(sql), statement_(statement) {}
  Statement(Statement&& other) noexcept
      : connection_(other.connection_),
        sql_(other.sql_),
        statement_(std::exchange(other.statement_, nullptr)) {}
  Statement& operator=(Statement&&) = delete;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  /// Parameters count from 1. The bytes are not copied: they must stay until the statement is
  /// reset.
  Statement& bind(int parameter, std::string_view bytes);
  Statement& bind(int parameter, std::int64_t number);

  /// Goes to the next row; false behind the last one.
  bool step();
  /// Runs a statement without rows to its end and resets it.
  void run();
  void reset() { sqlite3_reset(statement_); }

  /// Columns count from 0; the bytes stay until the next step or reset.
  std::string_view bytes(int column) const;
  std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }
  bool null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  Connection* connection_;
  const char* sql_;
  sqlite3_stmt* statement_;
};

/// How a connection treats its file.
struct ConnectionOptions {
  bool create = false;     ///< make the file if there is none
  bool read_only = false;  ///< refuse to change anything
  bool durable = true;  ///< synchronous=FULL; without it, the caller makes the file durable itself
  std::int64_t cache_kib = 2048;  ///< SQLite's page cache
  std::int64_t mmap_bytes = 0;    ///< how much of the file is read by mapping it
  int busy_milliseconds = 5000;   ///< how long to wait for another process
};

/// One connection with its cache of prepared statements. For one thread at a time. All calls throw
/// StorageFailure.
class Connection {
 public:
  Connection(const std::string& path, const ConnectionOptions& options);

  /// `sql` must be a constant that lives as long as the process: the cache goes by its address.
  Statement prepare(const char* sql);
  /// Runs one or several statements without parameters and rows.
  void execute(const char* sql);
  /// The one number that a statement answers; 0 for no row.
  std::int64_t number(const char* sql);

  std::int64_t last_row_number() const { return sqlite3_last_insert_rowid(database_.get()); }
  /// Rows that the last statement changed.
  std::int64_t changed_rows() const { return sqlite3_changes64(database_.get()); }
  bool read_only() const { return read_only_; }
  /// Whether a transaction is open; SQLite ends it by itself on some failures.
  bool in_transaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }
  bool writable() const { return sqlite3_db_readonly(database_.get(), "main") == 0; }
  sqlite3* handle() { return database_.get(); }

  [[noreturn]] void fail_with(int result_code, std::string_view step) const;

  // What names.h has learnt of the table of names. It is forgotten when a transaction that may have
  // changed that table is rolled back, and when another connection has written.
  std::optional<std::int64_t> known_name(std::string_view collection, std::string_view name) const;
  void know_name(std::string_view collection, std::string_view name, std::int64_t number);
  void forget_names() { names_.clear(); }

 private:
  friend class Statement;
  friend class Transaction;
  struct CloseDatabase {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using OwnedStatement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

  void give_back(const char* sql, sqlite3_stmt* statement);
  /// Forgets the names if another connection has written since the last time.
  void look_for_other_writers();

  const bool read_only_;
  std::int64_t data_version_ = 0;
  std::unordered_map<std::string, std::int64_t> names_;
  std::unique_ptr<sqlite3, CloseDatabase> database_;
  std::unordered_map<const char*, std::vector<OwnedStatement>> idle_;
};

/// A transaction that is rolled back unless it is committed.
class Transaction {
 public:
  enum class Kind { read, write };
  Transaction(Connection& connection, Kind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Connection& connection_;
  const bool may_write_;
  bool committed_ = false;
};

/// The border: runs `work`, which returns a Result, and turns what it throws into an error.
template <class Work>
std::invoke_result_t<Work> guarded(std::string_view step, Work&& work) {
  try {
    return work();
  } catch (StorageFailure& failure) {
    return std::unexpected<Error>(std::move(failure.error).at(step));
  } catch (const std::bad_alloc&) {
    return fail(Code::unavailable, "the server is out of memory: try again later",
                std::string(step));
  }
}

}  // namespace visor::catalogue::sqlite
