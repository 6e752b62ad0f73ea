#include "net/tls_staging.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace visor::net {

const BIO_METHOD* RecordStaging::method() {
  static const std::unique_ptr<BIO_METHOD, Freed<BIO_meth_free>> made = [] {
    std::unique_ptr<BIO_METHOD, Freed<BIO_meth_free>> filter(
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_FILTER, "record staging"));
    if (filter && (BIO_meth_set_write(filter.get(), &RecordStaging::write) != 1 ||
                   BIO_meth_set_ctrl(filter.get(), &RecordStaging::control) != 1)) {
      filter.reset();
    }
    return filter;
  }();
  return made.get();
}

BioPointer RecordStaging::filter(BioPointer socket_bio) {
  if (method() == nullptr || !socket_bio) return nullptr;
  BioPointer bio(BIO_new(method()));
  if (!bio) return nullptr;
  BIO_set_data(bio.get(), this);
  BIO_set_init(bio.get(), 1);
  BIO_push(bio.get(), socket_bio.release());
  return bio;
}

int RecordStaging::write(BIO* bio, const char* data, int size) {
  auto& self = *static_cast<RecordStaging*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (BIO_get_ktls_send(BIO_next(bio))) {
    const int count = BIO_write(BIO_next(bio), data, size);
    BIO_copy_next_retry(bio);
    return count;
  }
  auto left = static_cast<std::size_t>(size);
  if (!self.collecting_ && self.empty()) {
    const ssize_t count = ::send(self.socket_, data, left, MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) return -1;
    if (count > 0) {
      data += count;
      left -= static_cast<std::size_t>(count);
    }
  }
  if (left == 0 || self.keep(data, left)) return size;
  if (left == static_cast<std::size_t>(size)) {
    BIO_set_retry_write(bio);
    return -1;
  }
  return size - static_cast<int>(left);
}

bool RecordStaging::keep(const char* data, std::size_t size) {
  if (!buffer_) buffer_ = pool_.lease();
  const std::span<std::byte> all = buffer_.bytes();
  if (all.size() - end_ < size) return false;
  std::memcpy(all.data() + end_, data, size);
  end_ += size;
  return true;
}

int RecordStaging::send() {
  while (begin_ < end_) {
    const ssize_t count =
        ::send(socket_, buffer_.bytes().data() + begin_, end_ - begin_, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    begin_ += static_cast<std::size_t>(count);
  }
  begin_ = end_ = 0;
  collecting_ = false;
  buffer_.release();
  return 0;
}

// Everything else, such as whether and how the kernel encrypts, is between OpenSSL and the socket.
long RecordStaging::control(BIO* bio, int command, long number, void* pointer) {
  auto& self = *static_cast<RecordStaging*>(BIO_get_data(bio));
  if (command == BIO_CTRL_WPENDING) return static_cast<long>(self.end_ - self.begin_);
  if (command == BIO_CTRL_FLUSH) {
    BIO_clear_retry_flags(bio);
    if (const int error = self.send(); error != 0) {
      if (error == EAGAIN || error == EWOULDBLOCK) BIO_set_retry_write(bio);
      return -1;
    }
  }
  return BIO_ctrl(BIO_next(bio), command, number, pointer);
}

}  // namespace visor::net
