// bench_load: the load side of scripts/bench, where wrk will not do.
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "loads.h"

namespace {

constexpr const char* kUsage =
    "Usage: bench_load KIND --port PORT --heads FILE [OPTION...]\n"
    "\n"
    "Makes load on a server on 127.0.0.1 and prints what it saw as JSON. FILE holds whole "
    "requests,\n"
    "each with a zero byte at its end; they are used in turn.\n"
    "\n"
    "  transfer   [--connections N] [--requests N] [--body BYTES] [--timeout SECONDS]\n"
    "             all at once, each connection its requests one after the other; BYTES of body\n"
    "             follow each head; what is answered is discarded\n"
    "  rate       [--connections N] --rate N [--seconds S]   N requests a second, come what may\n"
    "  idle       [--connections N]   held until standard input ends\n"
    "  start      -- COMMAND...       how long COMMAND takes until it answers\n"
    "  --tls      over TLS, without verification\n";

[[noreturn]] void wrong_usage(const std::string& why) {
  std::fprintf(stderr, "bench_load: %s\n%s", why.c_str(), kUsage);
  std::exit(2);
}

template <typename Number>
Number number(std::string_view option, std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    wrong_usage(std::string(option) + " takes a number");
  }
  return value;
}

struct Arguments {
  std::string kind;
  bench::Target target;
  std::size_t connections = 1;
  std::size_t requests = 1;
  std::uint64_t body = 0;
  double timeout = 300;
  double rate = 0;
  double seconds = 3;
  std::vector<std::string> command;
};

Arguments read_arguments(const std::vector<std::string>& given) {
  Arguments arguments;
  arguments.kind = given[0];
  for (std::size_t at = 1; at < given.size(); ++at) {
    const std::string& option = given[at];
    if (option == "--") {
      arguments.command.assign(given.begin() + static_cast<std::ptrdiff_t>(at) + 1, given.end());
      break;
    }
    if (option == "--tls") {
      arguments.target.tls = true;
      continue;
    }
    if (++at == given.size()) wrong_usage(option + " takes a value");
    const std::string& value = given[at];
    if (option == "--port") {
      arguments.target.port = number<std::uint16_t>(option, value);
    } else if (option == "--heads") {
      arguments.target.heads = bench::read_heads(value);
    } else if (option == "--connections") {
      arguments.connections = number<std::size_t>(option, value);
    } else if (option == "--requests") {
      arguments.requests = number<std::size_t>(option, value);
    } else if (option == "--body") {
      arguments.body = number<std::uint64_t>(option, value);
    } else if (option == "--timeout") {
      arguments.timeout = number<double>(option, value);
    } else if (option == "--rate") {
      arguments.rate = number<double>(option, value);
    } else if (option == "--seconds") {
      arguments.seconds = number<double>(option, value);
    } else {
      wrong_usage("unknown option " + option);
    }
  }
  if (arguments.target.port == 0 || arguments.target.heads.empty()) {
    wrong_usage("--port and --heads are needed");
  }
  return arguments;
}

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string> given(values + 1, values + count);
  if (given.empty()) wrong_usage("a kind of load is needed");
  if (given[0] == "--help" || given[0] == "-h") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  // TLS writes have no flag that keeps a broken connection from raising it.
  std::signal(SIGPIPE, SIG_IGN);
  const Arguments arguments = read_arguments(given);
  if (arguments.kind == "transfer") {
    return bench::run_transfer({arguments.target, arguments.connections, arguments.requests,
                                arguments.body, arguments.timeout});
  }
  if (arguments.kind == "rate") {
    if (arguments.rate <= 0) wrong_usage("--rate is needed");
    return bench::run_rate(
        {arguments.target, arguments.connections, arguments.rate, arguments.seconds});
  }
  if (arguments.kind == "idle") return bench::run_idle(arguments.target, arguments.connections);
  if (arguments.kind == "start") {
    if (arguments.command.empty()) wrong_usage("a command is needed");
    return bench::run_start(arguments.target, arguments.command);
  }
  wrong_usage("unknown kind of load " + arguments.kind);
}
