// Transports over TLS.
#pragma once

#include <memory>
#include <string>

#include "net/tls_context.h"
#include "net/transport.h"

namespace visor::net {

/// The server's side of TLS over a connected, non-blocking stream socket, which it then owns. The
/// handshake is made by the first operation and counts as a part of it, deadline included.
///
/// A stream that ends without the peer's closing message (close_notify) fails with `cancelled`
/// instead of ending: somebody may have cut it. `shutdown_send` sends that message.
///
/// `send_file` leaves the encryption and the file to the kernel where OpenSSL says that it does the
/// former (kTLS), and reads the file itself elsewhere. In the first case a broken connection raises
/// SIGPIPE, which the process is to ignore.
std::unique_ptr<Transport> tls_transport(EventLoop& loop, int socket, std::string peer_address,
                                         std::shared_ptr<TlsContext> context);

}  // namespace visor::net
