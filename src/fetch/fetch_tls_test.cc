#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "async/executor.h"
#include "fetch/fetch.h"

namespace visor::fetch {
namespace {

namespace fs = std::filesystem;

/// The `openssl` program as a TLS server for the name mirror.test that sends one answer to whoever
/// connects.
class TlsServer {
 public:
  TlsServer() {
    std::string name = (fs::temp_directory_path() / "fetch-tls-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    const auto make_certificate =
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mirror.test"
        " -addext subjectAltName=DNS:mirror.test -keyout " +
        folder_ + "/key.pem -out " + certificate() + " >/dev/null 2>&1";
    if (std::system(make_certificate.c_str()) != 0) return;
    std::ofstream(folder_ + "/greeting") << "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    int output[2];
    if (::pipe2(output, O_CLOEXEC) != 0) return;
    start(output[1]);
    ::close(output[1]);
    output_ = output[0];
    if (process_ > 0) read_port();
  }
  ~TlsServer() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
    }
    ::close(output_);
    fs::remove_all(folder_);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  /// Empty if no server could be started here.
  const std::string& port() const { return port_; }
  std::string certificate() const { return folder_ + "/certificate.pem"; }

 private:
  /// `-HTTP` answers with files of its folder that hold whole responses: nothing has to be handed
  /// to a connection that may not be there yet, or be ending.
  void start(int output) {
    const std::string key = folder_ + "/key.pem";
    const std::string chain = certificate();
    const char* arguments[] = {"openssl",   "s_server", "-accept",     "127.0.0.1:0", "-key",
                               key.c_str(), "-cert",    chain.c_str(), "-HTTP",       nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, output, 1);
    ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addchdir_np(&actions, folder_.c_str());
    if (::posix_spawnp(&process_, "openssl", &actions, nullptr, const_cast<char**>(arguments),
                       environ) != 0) {
      process_ = -1;
    }
    ::posix_spawn_file_actions_destroy(&actions);
  }

  /// The server says "ACCEPT 127.0.0.1:port" when it listens.
  void read_port() {
    std::string said;
    char byte = 0;
    while (::read(output_, &byte, 1) == 1) {
      said += byte;
      if (byte != '\n') continue;
      if (said.starts_with("ACCEPT ")) {
        port_ = said.substr(said.rfind(':') + 1);
        port_.pop_back();
        return;
      }
      said.clear();
    }
  }

  std::string folder_;
  std::string port_;
  pid_t process_ = -1;
  int output_ = -1;
};

Result<std::string> fetch(const TlsServer& server, const std::string& host,
                          const std::string& authorities) {
  const auto authority = host + ":" + server.port();
  auto guard = Guard::create({.exceptions = {authority},
                              .resolver = [](const std::string&) -> Result<std::vector<Address>> {
                                return std::vector<Address>{*Address::parse("127.0.0.1")};
                              }});
  Fetcher::Options options;
  options.attempts = 1;
  options.authorities_file = authorities;
  auto fetcher = Fetcher::create(options, std::move(*guard));
  auto response = async::run_until_done((*fetcher)->get("https://" + authority + "/greeting"));
  if (!response) return pass(response);
  return async::run_until_done(async::read_all(*(*response)->body, 1000));
}

TEST(FetcherOverTls, TrustsOnlyCertificatesOfItsAuthoritiesForTheHostAskedFor) {
  const TlsServer server;
  if (server.port().empty()) GTEST_SKIP() << "the program openssl cannot serve TLS here";

  const auto unknown = fetch(server, "mirror.test", "");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::unavailable);
  EXPECT_NE(unknown.error().message.find("certificate"), std::string::npos);
  EXPECT_EQ(unknown.error().retry, Retry::never);

  const auto other = fetch(server, "other.test", server.certificate());
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("certificate"), std::string::npos);

  const auto right = fetch(server, "mirror.test", server.certificate());
  ASSERT_TRUE(right) << right.error().message << " " << right.error().where;
  EXPECT_EQ(*right, "hello");
}

}  // namespace
}  // namespace visor::fetch
