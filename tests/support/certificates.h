// Certificates for tests, made on the spot.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace visor::test {

struct CertificateRequest {
  std::string name = "localhost";  ///< common name, and DNS name of a server
  bool authority = false;
  long valid_from = -3600;  ///< seconds from now
  long valid_until = 3600;
  unsigned rsa_bits = 0;  ///< 0: a key on P-256
};

/// A certificate with its key; one signed by itself, or by another.
class Certificate {
 public:
  explicit Certificate(const CertificateRequest& request, const Certificate* issuer = nullptr)
      : key_(request.rsa_bits == 0 ? EVP_EC_gen("P-256")
                                   : EVP_RSA_gen(std::size_t{request.rsa_bits}),
             EVP_PKEY_free),
        certificate_(X509_new(), X509_free) {
    static std::int64_t serial = 1;
    X509* made = certificate_.get();
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set_int64(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), request.valid_from);
    X509_gmtime_adj(X509_getm_notAfter(made), request.valid_until);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(request.name.c_str()), -1, -1,
                               0);
    const Certificate& above = issuer == nullptr ? *this : *issuer;
    X509_set_issuer_name(made, X509_get_subject_name(above.certificate_.get()));
    X509_set_pubkey(made, key_.get());
    extend(NID_basic_constraints, request.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(NID_key_usage, request.authority ? "critical,keyCertSign" : "critical,digitalSignature");
    if (!request.authority) extend(NID_subject_alt_name, "DNS:" + request.name);
    EXPECT_GT(X509_sign(made, above.key_.get(), EVP_sha256()), 0);
  }

  X509* get() const { return certificate_.get(); }
  EVP_PKEY* key() const { return key_.get(); }

  std::string pem() const {
    return written([this](BIO* bio) { PEM_write_bio_X509(bio, certificate_.get()); });
  }
  /// Encrypted if there is a password.
  std::string key_pem(const std::string& password = "") const {
    return written([&](BIO* bio) {
      PEM_write_bio_PKCS8PrivateKey(bio, key_.get(), password.empty() ? nullptr : EVP_aes_256_cbc(),
                                    password.empty() ? nullptr : password.c_str(),
                                    static_cast<int>(password.size()), nullptr, nullptr);
    });
  }

 private:
  void extend(int kind, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    ASSERT_NE(extension, nullptr);
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  template <class Write>
  static std::string written(Write write) {
    BIO* bio = BIO_new(BIO_s_mem());
    write(bio);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    std::string result(text, static_cast<std::size_t>(size));
    BIO_free(bio);
    return result;
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> certificate_;
};

/// Files in a folder that goes with it.
class CertificateFolder {
 public:
  CertificateFolder() {
    std::string made = (std::filesystem::temp_directory_path() / "visor-tls-XXXXXX").string();
    EXPECT_NE(::mkdtemp(made.data()), nullptr);
    path_ = made;
  }
  CertificateFolder(const CertificateFolder&) = delete;
  CertificateFolder& operator=(const CertificateFolder&) = delete;
  ~CertificateFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string path(const std::string& name) const { return path_ + "/" + name; }
  /// Puts a file there in place of any other, in one step.
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const std::string target = path(name);
    std::FILE* file = std::fopen((target + ".new").c_str(), "w");
    EXPECT_NE(file, nullptr);
    EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), file), text.size());
    ::fchmod(::fileno(file), mode);
    std::fclose(file);
    std::filesystem::rename(target + ".new", target);
    return target;
  }

 private:
  std::string path_;
};

}  // namespace visor::test
