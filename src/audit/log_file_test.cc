#include "audit/log_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "audit/audit_fixture.h"

namespace visor::audit {
namespace {

class AuditLogFile : public AuditFixture {};

TEST_F(AuditLogFile, HasAWholeLineInThePlaceOfALongerOneThatFailedHalfWay) {
  enum class Disk { sound, writes_half, fails } disk = Disk::sound;
  Calls calls;
  calls.pwrite = [&disk](int file, const void* bytes, std::size_t count, off_t offset) -> ssize_t {
    if (disk == Disk::fails) {
      errno = EIO;
      return -1;
    }
    if (disk == Disk::writes_half) {
      disk = Disk::fails;
      count /= 2;
    }
    return ::pwrite(file, bytes, count, offset);
  };
  const std::string path = base_ + "/lines";
  auto file = LogFile::create(path, calls);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->make_room(4096));
  file->take_room(4096);
  disk = Disk::writes_half;
  EXPECT_FALSE(file->write(std::string(500, 'a')));
  disk = Disk::sound;
  ASSERT_TRUE(file->write(std::string(100, 'b')));
  std::ifstream lines(path);
  std::string first;
  ASSERT_TRUE(std::getline(lines, first));
  EXPECT_EQ(first, std::string(100, 'b'));
}

}  // namespace
}  // namespace visor::audit
