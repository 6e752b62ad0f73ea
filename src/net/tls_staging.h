// Private to this folder: records on their way from OpenSSL to the socket.
#pragma once

#include <cstddef>

#include "async/buffer_pool.h"
#include "net/openssl.h"

namespace visor::net {

/// Takes the records of a connection from OpenSSL and sends them: each at once, or many of them
/// with one system call. What the kernel does not take at once waits here in a leased buffer, so
/// that OpenSSL never has half a record to repeat; without such bytes there is no buffer. Steps
/// aside where the kernel encrypts (kTLS). Not thread-safe.
class RecordStaging {
 public:
  /// Sends to `socket`, which stays its owner's. `pool` outlives this object.
  RecordStaging(int socket, async::BufferPool& pool) : socket_(socket), pool_(pool) {}
  RecordStaging(const RecordStaging&) = delete;
  RecordStaging& operator=(const RecordStaging&) = delete;

  /// A filter over `socket_bio` for OpenSSL to write to; must go before this object. Null without
  /// memory.
  BioPointer filter(BioPointer socket_bio);

  /// From now until everything is sent, records are kept together.
  void collect() { collecting_ = true; }
  /// Whether a record with so much plaintext finds room.
  bool has_room_for(std::size_t plaintext) const {
    // Header, nonce, type and tag of a record come to less than 64 bytes, and a short message of
    // the protocol itself may have to follow.
    return pool_.buffer_size() - end_ >= plaintext + 64 + 1024;
  }
  bool empty() const { return begin_ == end_; }
  /// Sends what waits, as far as the kernel takes it. 0 when nothing is left, else the errno.
  int send();

 private:
  static const BIO_METHOD* method();
  static int write(BIO* bio, const char* data, int size);
  static long control(BIO* bio, int command, long number, void* pointer);
  bool keep(const char* data, std::size_t size);

  int socket_;
  async::BufferPool& pool_;
  async::Buffer buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool collecting_ = false;
};

}  // namespace visor::net
