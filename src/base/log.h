// The log: one line an event, text or JSON, to standard error or a file.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <thread>

#include "base/error.h"

namespace visor::log {

enum class Level { debug, info, warning, error, off };
enum class Form { text, json };

/// A named value beside the message: `log::info("image stored", {{"image", id}, {"size", "42"}})`.
/// Never a secret. The texts must live as long as the call.
struct Field {
  std::string_view name;
  std::string_view value;
};
using Fields = std::initializer_list<Field>;

struct Options {
  Level level = Level::info;
  Form form = Form::text;
  std::string file = {};  ///< empty: standard error
};

/// Sets the log up; the last call counts. Before the first one, warnings and errors go to standard
/// error as text.
Result<void> configure(const Options& options);
/// Opens the file again, after it was rotated away. Lines from before are in the old one.
Result<void> reopen();

/// As long as one of these lives, a thread of its own writes the lines, and whoever logs never
/// waits for the file. Without one, each caller writes its line itself. At most one at a time; its
/// end writes what waits.
///
/// Up to 1 MiB of lines waits (2 MiB for lines that are not `write_soon`'s); beyond that lines are
/// dropped, counted in visor_log_lost_lines_total, and told of in a line of their own as soon as
/// there is room. A process that is killed loses what waits.
class [[nodiscard]] Writer {
 public:
  Writer();
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

 private:
  std::thread thread_;
};

bool enabled(Level level);
void write(Level level, std::string_view message, Fields fields = {});
/// For lines that come by the thousand: with a Writer they wait for each other, far less than a
/// second.
void write_soon(Level level, std::string_view message, Fields fields);
inline void debug(std::string_view message, Fields fields = {}) {
  write(Level::debug, message, fields);
}
inline void info(std::string_view message, Fields fields = {}) {
  write(Level::info, message, fields);
}
inline void warning(std::string_view message, Fields fields = {}) {
  write(Level::warning, message, fields);
}
inline void error(std::string_view message, Fields fields = {}) {
  write(Level::error, message, fields);
}
/// Logs an error with its code and its whole trail.
void failure(Level level, std::string_view message, const Error& cause, Fields fields = {});

}  // namespace visor::log
