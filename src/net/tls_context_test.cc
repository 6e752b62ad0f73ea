#include "net/tls_context.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "support/certificates.h"

namespace visor::net {
namespace {

using test::Certificate;
using test::CertificateFolder;
using test::CertificateRequest;

class TlsContextTest : public testing::Test {
 protected:
  TlsContextTest() {
    settings.certificate = folder.write("certificate.pem", own.pem());
    settings.key = folder.write("key.pem", own.key_pem());
  }
  Error refusal() {
    const auto loaded = TlsContext::load(settings);
    EXPECT_FALSE(loaded);
    return loaded ? Error{} : loaded.error();
  }
  static void expect_words(const Error& error, const std::vector<std::string>& words) {
    for (const std::string& word : words) {
      EXPECT_NE(error.message.find(word), std::string::npos) << word << " in: " << error.message;
    }
  }

  const Certificate own{CertificateRequest{.name = "first"}};
  const CertificateFolder folder;
  TlsSettings settings;
};

TEST_F(TlsContextTest, SaysWhomItsCertificateIsForAndUntilWhen) {
  const auto loaded = TlsContext::load(settings);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE((*loaded)->certificate_in_use().starts_with("CN = first, until "))
      << (*loaded)->certificate_in_use();
}

TEST_F(TlsContextTest, NamesAFileThatIsMissing) {
  settings.certificate = folder.path("absent.pem");
  const Error error = refusal();
  EXPECT_EQ(error.code, Code::not_found);
  expect_words(error, {"absent.pem", "certificate"});
  settings.certificate = folder.path("certificate.pem");
  settings.key = folder.path("lost.pem");
  expect_words(refusal(), {"lost.pem", "private key"});
}

TEST_F(TlsContextTest, RefusesAKeyThatEverybodyCanRead) {
  folder.write("key.pem", own.key_pem(), 0644);
  const Error error = refusal();
  EXPECT_EQ(error.code, Code::forbidden);
  expect_words(error, {"key.pem", "everybody", "chmod 600"});
}

TEST_F(TlsContextTest, LeavesAccessOfItsGroupToRootAlone) {
  const std::string key = folder.write("key.pem", own.key_pem(), 0640);
  if (::geteuid() == 0) {
    EXPECT_TRUE(TlsContext::load(settings));
    ASSERT_EQ(::chown(key.c_str(), 65534, 65534), 0);
  }
  expect_words(refusal(), {"key.pem", "its group", "chmod 600"});
}

TEST_F(TlsContextTest, RefusesWhatIsNoCertificateOrNoKey) {
  folder.write("certificate.pem", "hello\n");
  expect_words(refusal(), {"certificate.pem", "BEGIN CERTIFICATE"});
  folder.write("certificate.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  expect_words(refusal(), {"certificate.pem", "can't be read"});
  folder.write("certificate.pem", own.pem());
  folder.write("key.pem", own.pem());
  expect_words(refusal(), {"key.pem", "no private key"});
  settings.key = folder.path("");
  expect_words(refusal(), {"is a folder"});
}

TEST_F(TlsContextTest, RefusesAnEncryptedKeyInsteadOfAskingForItsPassword) {
  folder.write("key.pem", own.key_pem("password"));
  expect_words(refusal(), {"key.pem", "encrypted", "openssl pkey"});
}

TEST_F(TlsContextTest, RefusesAKeyOfAnotherCertificate) {
  folder.write("key.pem", Certificate(CertificateRequest{}).key_pem());
  expect_words(refusal(), {"key.pem", "does not belong", "certificate.pem"});
  const Certificate other_kind(CertificateRequest{.rsa_bits = 2048});
  folder.write("key.pem", other_kind.key_pem());
  expect_words(refusal(), {"key.pem", "does not belong"});
}

TEST_F(TlsContextTest, RefusesAKeyThatIsTooShort) {
  const Certificate weak(CertificateRequest{.rsa_bits = 1024});
  folder.write("certificate.pem", weak.pem());
  folder.write("key.pem", weak.key_pem());
  expect_words(refusal(), {"too weak", "2048"});
}

TEST_F(TlsContextTest, RefusesAuthoritiesThatAreNone) {
  settings.client_certificates = ClientCertificates::required;
  settings.client_authorities = folder.write("clients.pem", own.pem());
  expect_words(refusal(), {"clients.pem", "may not issue"});
}

TEST_F(TlsContextTest, UsesAnExpiredCertificateRatherThanNone) {
  const Certificate expired(CertificateRequest{.valid_until = -60});
  folder.write("certificate.pem", expired.pem());
  folder.write("key.pem", expired.key_pem());
  EXPECT_TRUE(TlsContext::load(settings));
}

TEST_F(TlsContextTest, TakesANewCertificateAndKeepsTheOldOneIfTheNewOneIsBad) {
  const auto context = TlsContext::load(settings);
  ASSERT_TRUE(context);
  const Certificate renewed(CertificateRequest{.name = "second"});
  folder.write("certificate.pem", renewed.pem());
  const auto half = (*context)->reload();
  ASSERT_FALSE(half);
  EXPECT_TRUE((*context)->certificate_in_use().starts_with("CN = first,"));
  folder.write("key.pem", renewed.key_pem());
  EXPECT_TRUE((*context)->reload());
  EXPECT_TRUE((*context)->certificate_in_use().starts_with("CN = second,"));

  const Certificate expired(CertificateRequest{.name = "third", .valid_until = -60});
  folder.write("certificate.pem", expired.pem());
  folder.write("key.pem", expired.key_pem());
  const auto old = (*context)->reload();
  ASSERT_FALSE(old);
  expect_words(old.error(), {"certificate.pem", "third", "not valid now"});
  EXPECT_TRUE((*context)->certificate_in_use().starts_with("CN = second,"));
}

TEST_F(TlsContextTest, TakesChangedFilesOnceTheyChangeNoMore) {
  const auto context = TlsContext::load(settings);
  ASSERT_TRUE(context);
  const Certificate renewed(CertificateRequest{.name = "second"});
  folder.write("certificate.pem", renewed.pem());
  (*context)->reload_if_changed();
  folder.write("key.pem", renewed.key_pem());
  (*context)->reload_if_changed();
  EXPECT_TRUE((*context)->certificate_in_use().starts_with("CN = first,"));
  (*context)->reload_if_changed();
  EXPECT_TRUE((*context)->certificate_in_use().starts_with("CN = second,"));
}

}  // namespace
}  // namespace visor::net
