#include "catalogue/sqlite/connection.h"

#include <cerrno>
#include <cstring>
#include <mutex>

namespace visor::catalogue::sqlite {

namespace {

constexpr const char* kBeginRead = "BEGIN";
constexpr const char* kBeginWrite = "BEGIN IMMEDIATE";
constexpr const char* kCommit = "COMMIT";
constexpr const char* kRollback = "ROLLBACK";

// How many idle statements of one text are kept: a query with many filters needs many at once, but
// seldom.
constexpr std::size_t kIdleStatements = 16;

constexpr std::size_t kMostKnownNames = 4096;

// Memory statistics make all connections meet at one mutex on every allocation. Must come before
// the first use.
void configure_library() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

}  // namespace

Error storage_error(int result_code, int system_errno, std::string where) {
  where += std::string(" sqlite=") + std::to_string(result_code) + " (" +
           sqlite3_errstr(result_code) + ")";
  if (system_errno != 0) {
    where += " errno=" + std::to_string(system_errno) + " (" + std::strerror(system_errno) + ")";
  }
  auto error = [&](Code code, std::string message) {
    return fail(code, std::move(message), std::move(where)).error();
  };
  const bool disk_full = system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG;
  switch (result_code & 0xff) {
    case SQLITE_FULL:
      return error(Code::no_space,
                   "no space is left for the catalogue: free some on its disk, then try again");
    case SQLITE_IOERR:
      if (disk_full) {
        return error(Code::no_space,
                     "no space is left for the catalogue: free some on its disk, then try again");
      }
      return error(Code::unavailable,
                   "the catalogue's disk reported an input/output error: look at the system's log "
                   "and at the disk");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return error(
          Code::corrupt,
          "the catalogue's file is damaged: stop the server and restore the last backup with "
          "'visor server restore'");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return error(Code::unavailable,
                   "another process keeps the catalogue locked: try again later");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return error(Code::unavailable,
                   "the catalogue's file cannot be opened for writing: check that the server's "
                   "user owns the data "
                   "folder and the files in it");
    case SQLITE_NOMEM:
      return error(Code::unavailable, "the server is out of memory: try again later");
    case SQLITE_TOOBIG:
      return error(Code::too_large, "the record is too large for the catalogue");
    case SQLITE_INTERRUPT:
      return error(Code::cancelled, "the work on the catalogue was interrupted");
    default:
      return error(Code::internal,
                   "the catalogue failed in a way that nobody foresaw: see the server's log");
  }
}

Statement::~Statement() {
  if (statement_ != nullptr) connection_->give_back(sql_, statement_);
}

Statement& Statement::bind(int parameter, std::string_view bytes) {
  // A null pointer would bind NULL instead of an empty value.
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  const int code = sqlite3_bind_blob64(statement_, parameter, data, bytes.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) connection_->fail_with(code, sql_);
  return *this;
}

Statement& Statement::bind(int parameter, std::int64_t number) {
  const int code = sqlite3_bind_int64(statement_, parameter, number);
  if (code != SQLITE_OK) connection_->fail_with(code, sql_);
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  connection_->fail_with(code, sql_);
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

std::string_view Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

Connection::Connection(const std::string& path, const ConnectionOptions& options)
    : read_only_(options.read_only) {
  configure_library();
  // No mutex of SQLite's: a connection is in one thread's hands at a time. No URI: a path is a
  // path.
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE;
  if (options.create) flags |= SQLITE_OPEN_CREATE;
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
  database_.reset(opened);
  if (code != SQLITE_OK) fail_with(code, "open");

  sqlite3_busy_timeout(opened, options.busy_milliseconds);
  // The schema of a hostile file must not run anything of its own choice.
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  const std::string settings =
      std::string("PRAGMA synchronous=") + (options.durable ? "FULL" : "OFF") +
      "; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-" + std::to_string(options.cache_kib) +
      "; PRAGMA mmap_size=" + std::to_string(options.mmap_bytes) +
      "; PRAGMA query_only=" + (options.read_only ? "ON" : "OFF") +
      "; PRAGMA journal_size_limit=67108864; PRAGMA wal_autocheckpoint=2000";
  execute(settings.c_str());
}

Statement Connection::prepare(const char* sql) {
  auto& idle = idle_[sql];
  if (!idle.empty()) {
    sqlite3_stmt* statement = idle.back().release();
    idle.pop_back();
    return Statement(*this, sql, statement);
  }
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) fail_with(code, sql);
  return Statement(*this, sql, statement);
}

void Connection::give_back(const char* sql, sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  OwnedStatement owned(statement);
  auto& idle = idle_[sql];
  if (idle.size() < kIdleStatements) idle.push_back(std::move(owned));
}

void Connection::execute(const char* sql) {
  const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail_with(code, sql);
}

std::int64_t Connection::number(const char* sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.number(0) : 0;
}

namespace {

// The length keeps apart what would run together.
std::string name_key(std::string_view collection, std::string_view name) {
  std::string key = std::to_string(collection.size());
  key += ':';
  key += collection;
  key += name;
  return key;
}

}  // namespace

std::optional<std::int64_t> Connection::known_name(std::string_view collection,
                                                   std::string_view name) const {
  const auto known = names_.find(name_key(collection, name));
  if (known == names_.end()) return std::nullopt;
  return known->second;
}

void Connection::know_name(std::string_view collection, std::string_view name,
                           std::int64_t number) {
  // Names of free attributes are without bound; those in use come back quickly.
  if (names_.size() >= kMostKnownNames) names_.clear();
  names_.insert_or_assign(name_key(collection, name), number);
}

void Connection::look_for_other_writers() {
  const std::int64_t version = number("PRAGMA data_version");
  if (version != data_version_) forget_names();
  data_version_ = version;
}

void Connection::fail_with(int result_code, std::string_view step) const {
  std::string where(step.substr(0, 60));
  int system_errno = 0;
  if (database_) {
    where += std::string(": ") + sqlite3_errmsg(database_.get());
    const int primary = result_code & 0xff;
    // The errno is that of the last failed system call ever; only these codes are about a system
    // call.
    if (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN || primary == SQLITE_FULL) {
      system_errno = sqlite3_system_errno(database_.get());
    }
  }
  throw StorageFailure{storage_error(result_code, system_errno, std::move(where))};
}

Transaction::Transaction(Connection& connection, Kind kind)
    : connection_(connection), may_write_(kind == Kind::write) {
  connection.prepare(kind == Kind::read ? kBeginRead : kBeginWrite).run();
  if (kind == Kind::write) connection.look_for_other_writers();
}

Transaction::~Transaction() {
  if (committed_) return;
  if (may_write_) connection_.forget_names();
  if (!connection_.in_transaction()) return;
  try {
    connection_.prepare(kRollback).run();
  } catch (const StorageFailure&) {
    // Nothing was committed, so there is nothing to save; the next BEGIN reports what is wrong with
    // the connection.
    return;
  }
}

void Transaction::commit() {
  connection_.prepare(kCommit).run();
  committed_ = true;
}

}  // namespace visor::catalogue::sqlite
