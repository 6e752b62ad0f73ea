// Certificates, keys and authorities out of files.
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/sslerr.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/secret.h"
#include "net/tls_core.h"
#include "net/tls_ticket_keys.h"

namespace visor::net {
namespace {

// Far more than any chain or list of authorities; a limit, so that a wrong path can't fill memory.
constexpr std::size_t kLargestFile = 8 << 20;
// What one read from the socket takes at most: several records.
constexpr std::size_t kReadAhead = 64 * 1024;

// RFC 9325, section 4.2: ephemeral keys and authenticated encryption alone. AES-128 first, which
// costs least where the processor has instructions for it; a client without them puts ChaCha20
// first and is followed.
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphers13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:X448:P-384:P-521";
constexpr const char* kSignatures =
    "ed25519:ed448:ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:RSA-PSS+SHA256:RSA-PSS+SHA384:"
    "RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512";
// 112 bits: RSA from 2048 bits on, no SHA-1.
constexpr int kSecurityLevel = 2;

using CertificateStack =
    std::unique_ptr<STACK_OF(X509),
                    decltype([](STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); })>;

class File {
 public:
  explicit File(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string trail(const std::string& path) { return "tls.load file=" + path; }

std::unexpected<Error> unreadable(const std::string& path, const std::string& what, int error) {
  const std::string where = trail(path) + " errno=" + std::to_string(error);
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return fail(Code::not_found, "there is no file " + path + ", which is to hold " + what,
                  where);
    case EACCES:
    case EPERM:
      return fail(Code::forbidden,
                  "the server may not read " + path + ", which holds " + what +
                      "; give the account that it runs as permission",
                  where);
    case EISDIR:
      return fail(Code::invalid, path + " is a folder; name the file that holds " + what, where);
    default:
      return fail_errno(error, "read " + path + ", which holds " + what, where);
  }
}

// Who reads the key can pose as this server. Group access is left to the administrator, who alone
// can give it on a file of root's, as Debian does with the group ssl-cert.
Result<void> check_access(const std::string& path, const struct stat& status) {
  const bool others = (status.st_mode & (S_IROTH | S_IWOTH)) != 0;
  const bool group = (status.st_mode & (S_IRGRP | S_IWGRP)) != 0;
  if (!others && (!group || status.st_uid == 0)) return {};
  return fail(Code::forbidden,
              "the private key " + path + " can be read by " +
                  (others ? "everybody on this machine" : "its group") +
                  ", who could pose as this server; take the permission away: chmod 600 " + path,
              trail(path));
}

Result<Secret> read_file(const std::string& path, const std::string& what, bool is_key) {
  const File file(path);
  if (file.get() < 0) return unreadable(path, what, errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return unreadable(path, what, errno);
  if (S_ISDIR(status.st_mode)) return unreadable(path, what, EISDIR);
  if (is_key) {
    if (auto checked = check_access(path, status); !checked) return pass(checked);
  }
  // The space is taken at once, so that no copy of a key is left behind in memory.
  std::string text(kLargestFile < static_cast<std::size_t>(status.st_size) + 4096
                       ? kLargestFile
                       : static_cast<std::size_t>(status.st_size) + 4096,
                   '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + have, text.size() - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unreadable(path, what, errno);
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  if (have == text.size()) {
    return fail(Code::invalid, path + " is too large to be " + what + " in PEM", trail(path));
  }
  text.resize(have);
  return Secret(std::move(text));
}

BioPointer memory_of(const Secret& text) {
  return BioPointer(BIO_new_mem_buf(text.reveal().data(), static_cast<int>(text.reveal().size())));
}

// All certificates of a file, in their order.
Result<CertificateStack> read_certificates(const std::string& path, const std::string& what) {
  Result<Secret> text = read_file(path, what, false);
  if (!text) return pass(text);
  CertificateStack stack(sk_X509_new_null());
  const BioPointer memory = memory_of(*text);
  ERR_clear_error();
  while (X509* read = PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)) {
    CertificatePointer certificate(read);
    if (sk_X509_push(stack.get(), certificate.get()) == 0) break;
    certificate.release();
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = openssl_reason();
  ERR_clear_error();
  if (!at_end) {
    return fail(Code::invalid,
                path + " has a certificate that can't be read; write " + what + " in PEM there",
                trail(path) + " reason=" + reason);
  }
  if (sk_X509_num(stack.get()) == 0) {
    return fail(Code::invalid,
                path + " has no certificate in it (no line -----BEGIN CERTIFICATE-----); write " +
                    what + " in PEM there",
                trail(path));
  }
  return stack;
}

// Nobody is there to type it.
int no_password(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<KeyPointer> read_key(const std::string& path) {
  Result<Secret> text = read_file(path, "the private key", true);
  if (!text) return pass(text);
  const BioPointer memory = memory_of(*text);
  bool encrypted = false;
  ERR_clear_error();
  KeyPointer key(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_password, &encrypted));
  const std::string reason = openssl_reason();
  ERR_clear_error();
  if (encrypted) {
    return fail(Code::invalid,
                "the private key " + path +
                    " is encrypted, and nobody is there to type its password; decrypt it (openssl "
                    "pkey) into a file that only the server can read",
                trail(path));
  }
  if (!key) {
    return fail(Code::invalid, path + " has no private key in PEM in it",
                trail(path) + " reason=" + reason);
  }
  return key;
}

std::string describe(X509* certificate) {
  const BioPointer memory(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(memory.get(), X509_get_subject_name(certificate), 0,
                     XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  BIO_puts(memory.get(), ", until ");
  ASN1_TIME_print(memory.get(), X509_get0_notAfter(certificate));
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

bool is_good_now(X509* certificate) {
  return X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0 &&
         X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

// Why OpenSSL does not take a certificate that its key belongs to.
std::unexpected<Error> unusable(const TlsSettings& settings) {
  const int code = ERR_GET_REASON(ERR_peek_error());
  const std::string where = trail(settings.certificate) + " reason=" + openssl_reason();
  ERR_clear_error();
  if (code == SSL_R_EE_KEY_TOO_SMALL || code == SSL_R_CA_KEY_TOO_SMALL ||
      code == SSL_R_CA_MD_TOO_WEAK) {
    return fail(Code::invalid,
                "a certificate in " + settings.certificate +
                    " is too weak: keys need at least RSA 2048 or 224 bits on a curve, and "
                    "signatures SHA-256",
                where);
  }
  return fail(Code::invalid,
              "the certificate in " + settings.certificate + " can't be used for TLS", where);
}

Result<void> use_certificate(const TlsSettings& settings, SSL_CTX* context, X509* own,
                             EVP_PKEY* key, STACK_OF(X509) * chain) {
  ERR_clear_error();
  if (X509_check_private_key(own, key) != 1) {
    const std::string where = trail(settings.certificate) + " reason=" + openssl_reason();
    ERR_clear_error();
    return fail(Code::invalid,
                "the private key " + settings.key +
                    " does not belong to the first certificate in " + settings.certificate +
                    "; put the server's own certificate first, and the key that it was made for "
                    "into the key file",
                where);
  }
  if (SSL_CTX_use_cert_and_key(context, own, key, chain, 1) != 1) return unusable(settings);
  return {};
}

Result<void> use_client_authorities(const TlsSettings& settings, SSL_CTX* context) {
  if (settings.client_certificates == ClientCertificates::none) return {};
  Result<CertificateStack> authorities =
      read_certificates(settings.client_authorities, "the authorities of clients' certificates");
  if (!authorities) return pass(authorities);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (int i = 0; i < sk_X509_num(authorities->get()); ++i) {
    X509* authority = sk_X509_value(authorities->get(), i);
    if (X509_check_ca(authority) == 0) {
      return fail(Code::invalid,
                  settings.client_authorities + " has a certificate in it (" + describe(authority) +
                      ") that may not issue others; list authorities there, not clients",
                  trail(settings.client_authorities));
    }
    if (X509_STORE_add_cert(store, authority) != 1 ||
        SSL_CTX_add_client_CA(context, authority) != 1) {
      return fail(Code::internal, "the clients' authorities can't be set up",
                  trail(settings.client_authorities) + " reason=" + openssl_reason());
    }
  }
  const bool required = settings.client_certificates == ClientCertificates::required;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  return {};
}

// RFC 7301: http/1.1, or 1.0 for who knows nothing newer; who offers only others learns that there
// is none in common, instead of getting something else than it expects.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr unsigned char kProtocols[] = "\x08http/1.1\x08http/1.0";
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, kProtocols, sizeof kProtocols - 1, offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

// RFC 8446, section 4.6.3: who gets a new key from its peer may be asked for one of its own.
// OpenSSL would announce one that the kernel can't be given, which keeps the old one, and all that
// follows would be unreadable. So the client's new key is taken and its wish is not heard: OpenSSL
// looks into the message only after this call.
void keep_key_of_kernel(int sent, int, int type, const void* message, std::size_t size,
                        SSL* connection, void*) {
  if (sent != 0 || type != SSL3_RT_HANDSHAKE || size != SSL3_HM_HEADER_LENGTH + 1) return;
  auto* bytes = static_cast<unsigned char*>(const_cast<void*>(message));
  unsigned char& wish = bytes[SSL3_HM_HEADER_LENGTH];
  if (bytes[0] != SSL3_MT_KEY_UPDATE || wish != SSL_KEY_UPDATE_REQUESTED) return;
  if (BIO_get_ktls_send(SSL_get_wbio(connection))) wish = SSL_KEY_UPDATE_NOT_REQUESTED;
}

Result<SslContextPointer> new_context() {
  ERR_clear_error();
  SslContextPointer context(SSL_CTX_new(TLS_server_method()));
  // A name of its own for each context: a session never moves to another one, where other rules
  // about clients may hold.
  const std::string name = random_bytes(16);
  const bool ready =
      context != nullptr && SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1 &&
      SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_cipher_list(context.get(), kCiphers12) == 1 &&
      SSL_CTX_set_ciphersuites(context.get(), kCiphers13) == 1 &&
      SSL_CTX_set1_groups_list(context.get(), kGroups) == 1 &&
      SSL_CTX_set1_sigalgs_list(context.get(), kSignatures) == 1 &&
      SSL_CTX_set_session_id_context(context.get(),
                                     reinterpret_cast<const unsigned char*>(name.data()),
                                     static_cast<unsigned>(name.size())) == 1 &&
      TicketKeys::attach(std::make_unique<TicketKeys>(), context.get());
  if (!ready) {
    return fail(Code::internal, "TLS can't be set up with this machine's OpenSSL",
                "tls.context reason=" + openssl_reason());
  }
  SSL_CTX_set_security_level(context.get(), kSecurityLevel);
  SSL_CTX_clear_options(context.get(),
                        SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_PRIORITIZE_CHACHA | SSL_OP_ENABLE_KTLS);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_default_read_buffer_len(context.get(), kReadAhead);
  // Sessions live in tickets at the clients, not here.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  SSL_CTX_set_msg_callback(context.get(), keep_key_of_kernel);
  return context;
}

}  // namespace

Result<LoadedTls> load_tls(const TlsSettings& settings) {
  Result<SslContextPointer> context = new_context();
  if (!context) return pass(context);
  Result<CertificateStack> chain =
      read_certificates(settings.certificate, "the server's certificate and those above it");
  if (!chain) return pass(chain);
  Result<KeyPointer> key = read_key(settings.key);
  if (!key) return pass(key);
  const CertificatePointer own(sk_X509_shift(chain->get()));
  if (auto used = use_certificate(settings, context->get(), own.get(), key->get(), chain->get());
      !used) {
    return pass(used);
  }
  if (auto used = use_client_authorities(settings, context->get()); !used) return pass(used);
  LoadedTls loaded;
  loaded.context = std::move(*context);
  loaded.description = describe(own.get());
  loaded.good_now = is_good_now(own.get());
  return loaded;
}

}  // namespace visor::net
