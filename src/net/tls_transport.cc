#include "net/tls_transport.h"

#include <openssl/sslerr.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "net/address.h"
#include "net/stream_socket.h"
#include "net/tls_core.h"
#include "net/tls_staging.h"

namespace visor::net {
namespace {

using State = StreamSocket::State;

constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;
// After a failed handshake the peer shall get to see why, not a reset.
constexpr std::chrono::seconds kFarewell{1};
constexpr std::size_t kFarewellBytes = 64 * 1024;
constexpr std::string_view kPlainHttp =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 64\r\n"
    "Connection: close\r\n\r\n"
    "This port speaks HTTPS: begin the server's address with https://";
static_assert(kPlainHttp.size() - kPlainHttp.find("\r\n\r\n") - 4 == 64);

// What OpenSSL made of an attempt.
enum class Step : std::uint8_t { done, want_read, want_write, end, failed };

class TlsTransport final : public Transport {
 public:
  TlsTransport(EventLoop& loop, int socket, std::string peer_address,
               std::shared_ptr<TlsContext> context)
      : context_(std::move(context)),
        socket_(loop, socket),
        staging_(socket, context_->core().records),
        ssl_(context_->core().new_connection()),
        peer_(std::move(peer_address)) {
    BioPointer reading(BIO_new_socket(socket, BIO_NOCLOSE));
    BioPointer writing = staging_.filter(BioPointer(BIO_new_socket(socket, BIO_NOCLOSE)));
    if (!ssl_ || !reading || !writing) {
      failed_ =
          Error{Code::unavailable, "the server has no memory for a TLS connection", "tls.new"};
      return;
    }
    SSL_set_bio(ssl_.get(), reading.release(), writing.release());
    SSL_set_accept_state(ssl_.get());
  }

  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override;
  async::Task<bool> wait_readable() override;
  async::Task<Result<void>> write(std::span<const ConstBuffer> buffers, bool more_follows) override;
  async::Task<Result<std::uint64_t>> send_file(async::FileRange range) override;
  async::Task<Result<void>> shutdown_send() override;

  void set_deadline(SteadyTime time) override { socket_.set_deadline(time); }
  void clear_deadline() override { socket_.clear_deadline(); }
  void cancel() override { socket_.cancel(); }
  void close() override;
  void abort() override { socket_.abort(); }

  const std::string& peer_address() const override { return peer_; }
  std::string local_address() const override {
    return local_address_of(const_cast<StreamSocket&>(socket_).get());
  }
  bool secure() const override { return true; }
  std::uint64_t bytes_received() const override { return received_; }
  std::uint64_t bytes_sent() const override { return sent_; }

 private:
  async::Task<Result<void>> ready(const char* operation);
  async::Task<Result<void>> handshake();
  async::Task<void> say_farewell();
  async::Task<Result<void>> flush(const char* operation);
  async::Task<Result<void>> wait(Step wanted, const char* operation);
  async::Task<Result<void>> encrypt(ConstBuffer text, const char* operation);
  async::Task<Result<std::uint64_t>> send_file_by_kernel(async::FileRange range);

  bool kernel_encrypts() const { return BIO_get_ktls_send(SSL_get_wbio(ssl_.get())) != 0; }
  bool may_close_properly() const {
    return socket_.is_open() && established_ && !failed_ &&
           (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) == 0;
  }
  // What came of a call that returned `outcome`; keeps a failure.
  Step step(int outcome, const char* operation);

  const std::shared_ptr<TlsContext> context_;  // before what leases from it
  StreamSocket socket_;
  RecordStaging staging_;
  SslPointer ssl_;
  std::optional<Error> failed_;  // for good
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  std::string peer_;
  bool established_ = false;
};

Step TlsTransport::step(int outcome, const char* operation) {
  if (outcome > 0) return Step::done;
  const int error = errno;
  switch (SSL_get_error(ssl_.get(), outcome)) {
    case SSL_ERROR_WANT_READ:
      return Step::want_read;
    case SSL_ERROR_WANT_WRITE:
      return Step::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return Step::end;
    case SSL_ERROR_SYSCALL:
      failed_ = socket_.system_failure(error == 0 ? ECONNRESET : error, operation).error();
      return Step::failed;
    default:
      break;
  }
  const std::string where = std::string("tls.") + operation + " reason=" + openssl_reason();
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    failed_ = Error{Code::cancelled, "the client closed the connection without saying so", where};
  } else {
    failed_ = Error{Code::cancelled, "the client broke the rules of TLS", where};
  }
  ERR_clear_error();
  return Step::failed;
}

// What every operation begins with.
async::Task<Result<void>> TlsTransport::ready(const char* operation) {
  if (auto ended = socket_.ended_state(); ended != State::open) {
    co_return socket_.failure(ended, operation);
  }
  if (failed_) co_return std::unexpected(*failed_);
  if (socket_.turn_is_over()) {
    StreamSocket::Turn turn = socket_.turn();
    co_await turn;
  }
  if (established_) co_return Result<void>{};
  Result<void> shaken = co_await handshake();
  co_return shaken;
}

async::Task<Result<void>> TlsTransport::wait(Step wanted, const char* operation) {
  StreamSocket::Wait readiness =
      wanted == Step::want_read ? socket_.readable() : socket_.writable();
  const State state = co_await readiness;
  if (state != State::open) co_return socket_.failure(state, operation);
  co_return Result<void>{};
}

async::Task<Result<void>> TlsTransport::handshake() {
  while (true) {
    ERR_clear_error();
    const int outcome = SSL_accept(ssl_.get());
    const bool plain_http = outcome <= 0 && ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
    const Step made = step(outcome, "handshake");
    if (made == Step::done) {
      established_ = true;
      co_return Result<void>{};
    }
    if (made == Step::want_read || made == Step::want_write) {
      Result<void> waited = co_await wait(made, "handshake");
      if (!waited) co_return waited;
      continue;
    }
    if (!failed_) {
      failed_ = Error{Code::cancelled, "the client closed the connection", "tls.handshake"};
    }
    if (plain_http) {
      [[maybe_unused]] const ssize_t sent =
          ::send(socket_.get(), kPlainHttp.data(), kPlainHttp.size(), MSG_NOSIGNAL);
    }
    log::failure(log::Level::debug, "no TLS connection came about", *failed_, {{"peer", peer_}});
    co_await say_farewell();
    co_return std::unexpected(*failed_);
  }
}

// Lets the alert or the answer arrive: bytes that nobody has read would turn the close into a
// reset, which overtakes it.
async::Task<void> TlsTransport::say_farewell() {
  staging_.send();
  socket_.shutdown_send();
  socket_.set_deadline(std::min(socket_.deadline(), std::chrono::steady_clock::now() + kFarewell));
  std::array<std::byte, 1024> dropped;
  std::size_t left = kFarewellBytes;
  while (left > 0) {
    const ssize_t count = ::recv(socket_.get(), dropped.data(), dropped.size(), 0);
    if (count > 0) {
      left -= std::min(left, static_cast<std::size_t>(count));
      continue;
    }
    if (count == 0 || !socket_.would_block(errno)) co_return;
    Result<void> waited = co_await wait(Step::want_read, "handshake");
    if (!waited) co_return;
  }
}

async::Task<Result<void>> TlsTransport::flush(const char* operation) {
  while (true) {
    const int error = staging_.send();
    if (error == 0) co_return Result<void>{};
    if (!socket_.would_block(error)) co_return socket_.system_failure(error, operation);
    Result<void> waited = co_await wait(Step::want_write, operation);
    if (!waited) co_return waited;
  }
}

async::Task<Result<std::size_t>> TlsTransport::read(std::span<std::byte> into) {
  while (true) {
    Result<void> begun = co_await ready("read");
    if (!begun) co_return pass(begun);
    // The peer may be waiting for it before it says more.
    if (!staging_.empty()) {
      Result<void> flushed = co_await flush("read");
      if (!flushed) co_return pass(flushed);
    }
    std::size_t have = 0;
    Step made = Step::done;
    do {
      std::size_t count = 0;
      ERR_clear_error();
      const std::span<std::byte> room = into.subspan(have);
      made = step(SSL_read_ex(ssl_.get(), room.data(), room.size(), &count), "read");
      have += count;
    } while (made == Step::done && have < into.size() && SSL_has_pending(ssl_.get()) != 0);
    if (have > 0) {
      received_ += have;
      socket_.moved(have);
      co_return have;
    }
    if (made == Step::end) co_return std::size_t{0};
    if (made == Step::failed) co_return std::unexpected(*failed_);
    Result<void> waited = co_await wait(made, "read");
    if (!waited) co_return pass(waited);
  }
}

async::Task<bool> TlsTransport::wait_readable() {
  if (!established_) {
    Result<void> begun = co_await ready("wait");
    if (!begun) co_return false;
  }
  if (socket_.ended_state() != State::open) co_return false;
  if (failed_) co_return true;
  Step made = SSL_has_pending(ssl_.get()) != 0 ? Step::done : Step::want_read;
  while (true) {
    if (made != Step::done) {
      Result<void> waited = co_await wait(made, "wait");
      if (!waited) co_return false;
    }
    // Looking is the only way to tell the stream's bytes from messages of the protocol itself.
    std::byte first;
    std::size_t count = 0;
    ERR_clear_error();
    made = step(SSL_peek_ex(ssl_.get(), &first, 1, &count), "wait");
    if (made != Step::want_read && made != Step::want_write) co_return true;
  }
}

// Hands a part of the stream to OpenSSL: at most what there is room for.
async::Task<Result<void>> TlsTransport::encrypt(ConstBuffer text, const char* operation) {
  while (!text.empty()) {
    const ConstBuffer record = text.first(std::min(text.size(), kRecord));
    if (!staging_.has_room_for(record.size())) {
      Result<void> flushed = co_await flush(operation);
      if (!flushed) co_return flushed;
      staging_.collect();
    }
    std::size_t count = 0;
    ERR_clear_error();
    const Step made =
        step(SSL_write_ex(ssl_.get(), record.data(), record.size(), &count), operation);
    if (made == Step::done) {
      sent_ += count;
      socket_.moved(count);
      text = text.subspan(count);
      continue;
    }
    if (made == Step::failed) co_return std::unexpected(*failed_);
    if (made == Step::end) co_return socket_.system_failure(EPIPE, operation);
    Result<void> waited = co_await wait(made, operation);
    if (!waited) co_return waited;
  }
  co_return Result<void>{};
}

async::Task<Result<void>> TlsTransport::write(std::span<const ConstBuffer> buffers,
                                              bool more_follows) {
  const auto filled = [](const ConstBuffer& buffer) { return !buffer.empty(); };
  const bool several = std::ranges::count_if(buffers, filled) > 1 ||
                       std::ranges::any_of(buffers, [](const ConstBuffer& buffer) {
                         return buffer.size() > kRecord;
                       });
  bool first = true;
  for (ConstBuffer buffer : buffers) {
    while (!buffer.empty()) {
      Result<void> begun = co_await ready("write");
      if (!begun) co_return begun;
      if (std::exchange(first, false) && (several || more_follows)) staging_.collect();
      const ConstBuffer part =
          buffer.first(std::min<std::size_t>(buffer.size(), TlsContext::Core::kRecords));
      Result<void> encrypted = co_await encrypt(part, "write");
      if (!encrypted) co_return encrypted;
      buffer = buffer.subspan(part.size());
    }
  }
  if (more_follows) co_return Result<void>{};
  Result<void> flushed = co_await flush("write");
  co_return flushed;
}

async::Task<Result<std::uint64_t>> TlsTransport::send_file(async::FileRange range) {
  Result<void> begun = co_await ready("send_file");
  if (!begun) co_return pass(begun);
  if (kernel_encrypts()) {
    Result<std::uint64_t> sent = co_await send_file_by_kernel(range);
    co_return sent;
  }
  async::Buffer slice = context_->core().slices.lease();
  std::uint64_t left = range.length;
  staging_.collect();
  while (left > 0) {
    begun = co_await ready("send_file");
    if (!begun) co_return pass(begun);
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(left, slice.bytes().size()));
    const ssize_t count = ::pread(range.descriptor, slice.bytes().data(), wanted,
                                  static_cast<off_t>(range.offset + range.length - left));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) co_return fail_errno(errno, "read the file to send", "tls.send_file");
    if (count == 0) break;
    const ConstBuffer part = slice.bytes().first(static_cast<std::size_t>(count));
    Result<void> encrypted = co_await encrypt(part, "send_file");
    if (!encrypted) co_return pass(encrypted);
    left -= part.size();
  }
  Result<void> flushed = co_await flush("send_file");
  if (!flushed) co_return pass(flushed);
  co_return range.length - left;
}

async::Task<Result<std::uint64_t>> TlsTransport::send_file_by_kernel(async::FileRange range) {
  std::uint64_t left = range.length;
  while (left > 0) {
    Result<void> begun = co_await ready("send_file");
    if (!begun) co_return pass(begun);
    ERR_clear_error();
    errno = 0;
    const ossl_ssize_t count = SSL_sendfile(
        ssl_.get(), range.descriptor, static_cast<off_t>(range.offset + range.length - left),
        static_cast<std::size_t>(std::min(left, socket_.turn_size())), 0);
    if (count == 0) break;
    if (count > 0) {
      left -= static_cast<std::uint64_t>(count);
      sent_ += static_cast<std::uint64_t>(count);
      socket_.moved(static_cast<std::uint64_t>(count));
      continue;
    }
    // Whatever the file or the socket fails of, OpenSSL calls it a breach of TLS.
    const int error = errno;
    if (error != EINTR && error != EBUSY && !socket_.would_block(error)) {
      failed_ = socket_.system_failure(error == 0 ? EPIPE : error, "send_file").error();
      co_return std::unexpected(*failed_);
    }
    Result<void> waited = co_await wait(Step::want_write, "send_file");
    if (!waited) co_return pass(waited);
  }
  co_return range.length - left;
}

async::Task<Result<void>> TlsTransport::shutdown_send() {
  bool to_say = may_close_properly();
  while (to_say) {
    ERR_clear_error();
    const int outcome = SSL_shutdown(ssl_.get());
    const Step made = outcome == 0 ? Step::done : step(outcome, "shutdown");
    if (made == Step::failed) co_return std::unexpected(*failed_);
    to_say = made == Step::want_read || made == Step::want_write;
    if (!to_say) break;
    Result<void> waited = co_await wait(made, "shutdown");
    if (!waited) co_return waited;
  }
  Result<void> flushed = co_await flush("shutdown");
  socket_.shutdown_send();
  co_return flushed;
}

void TlsTransport::close() {
  // After an operation that gave up halfway, the end must not look like one that was meant.
  if (may_close_properly() && staging_.empty()) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    staging_.send();
  }
  socket_.close();
}

}  // namespace

std::unique_ptr<Transport> tls_transport(EventLoop& loop, int socket, std::string peer_address,
                                         std::shared_ptr<TlsContext> context) {
  return std::make_unique<TlsTransport>(loop, socket, std::move(peer_address), std::move(context));
}

}  // namespace visor::net
