#include "app/backup.h"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "app/application.h"
#include "app/backup_contents.h"
#include "app/backup_files.h"
#include "app/backup_manifest.h"
#include "async/executor.h"
#include "catalogue/client.h"
#include "catalogue/sqlite/sqlite_catalogue.h"
#include "service/image_service.h"
#include "store/file/file_store.h"
#include "store/memory/memory_store.h"

namespace visor::app {
namespace {

namespace fs = std::filesystem;
using async::run_until_done;

const Principal kSomebody = Principal::of("somebody");

/// The parts of a server that keep images, on a configuration.
class Images {
 public:
  explicit Images(const Configuration& configuration)
      : catalogue_(open_catalogue(configuration)),
        client_(*catalogue_, catalogue_pool_),
        service_({client_, stores_, digest_pool_, slices_, Clock::system(), quota_}, {}) {
    for (const auto& [name, settings] : configuration.stores) {
      if (settings.kind == StoreSettings::Kind::memory) {
        stores_.add(name, std::make_unique<store::MemoryStore>());
      } else if (settings.kind == StoreSettings::Kind::file) {
        store::FileStore::Options options;
        options.directory = configuration.path(settings.directory);
        options.hold_removals_lock = configuration.path("DATA/backup.lock");
        auto opened = store::FileStore::open(std::move(options), disk_pool_);
        EXPECT_TRUE(opened) << opened.error().message;
        stores_.add(name, std::move(*opened));
      }
    }
    stores_.set_default("file");
  }

  std::string upload(const std::string& bytes, const std::string& store = "file") {
    const auto source = async::text_source(bytes);
    image::Edits edits = {{"name", "an image"}, {"architecture", "x86_64"}, {"store", store}};
    auto image = run_until_done(
        service_.register_image(kSomebody, std::move(edits), service::Data::from(*source)));
    EXPECT_TRUE(image) << image.error().message;
    return image ? image->id : "";
  }

  /// The bytes, or the error's code.
  std::string download(const std::string& id) {
    auto download = run_until_done(service_.download(kSomebody, id));
    if (!download) return std::string(to_string(download.error().code));
    auto source = run_until_done(service_.open(*download, {}));
    if (!source) return std::string(to_string(source.error().code));
    auto text = run_until_done(async::read_all(**source, 1 << 23));
    return text ? *text : std::string(to_string(text.error().code));
  }

  void remove(const std::string& id) {
    const auto removed = run_until_done(service_.remove(kSomebody, id));
    EXPECT_TRUE(removed) << removed.error().message;
  }
  void tidy() { EXPECT_TRUE(run_until_done(service_.tidy())); }

 private:
  static std::unique_ptr<catalogue::SqliteCatalogue> open_catalogue(
      const Configuration& configuration) {
    catalogue::SqliteCatalogue::Options options;
    options.path = configuration.path(configuration.catalogue.path);
    auto opened = catalogue::SqliteCatalogue::open(std::move(options));
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }

  async::WorkerPool catalogue_pool_{"catalogue", 2, 64};
  async::WorkerPool disk_pool_{"disk", 2, 64};
  async::WorkerPool digest_pool_{"digest", 2, 64};
  async::BufferPool slices_{64 * 1024, 4};
  std::unique_ptr<catalogue::SqliteCatalogue> catalogue_;
  catalogue::Client client_;
  store::StoreSet stores_;
  service::FixedQuota quota_{{}};
  service::ImageService service_;
};

class BackupTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "visor-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    fs::create_directory(folder_ / "data");
    configuration_ = at("data");
    write(folder_ / "data" / "master.key", "a key of the server");
  }
  void TearDown() override { fs::remove_all(folder_); }

  Configuration at(const std::string& name) const {
    Configuration configuration;
    configuration.data = (folder_ / name).string();
    return configuration;
  }
  std::string backup() const { return (folder_ / "backup").string(); }

  static void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }
  static std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// All blobs below a folder.
  static std::vector<fs::path> blobs(const fs::path& folder) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) found.push_back(entry.path());
    }
    return found;
  }
  BackupReport make(const BackupOptions& options = {}) const {
    auto report = make_backup(configuration_, backup(), options);
    EXPECT_TRUE(report) << report.error().message << report.error().where;
    return report ? *report : BackupReport{};
  }
  RestoreReport restore(const std::string& name) const {
    auto report = restore_backup(backup(), at(name));
    EXPECT_TRUE(report) << report.error().message << report.error().where;
    return report ? *report : RestoreReport{};
  }
  /// What a restore that must fail says; nothing of it stays.
  Error refused(const std::string& name) const {
    auto report = restore_backup(backup(), at(name));
    EXPECT_FALSE(report);
    EXPECT_FALSE(fs::exists(folder_ / name / "catalogue.db"));
    EXPECT_FALSE(fs::exists(folder_ / name / ".restoring"));
    return report ? Error{} : report.error();
  }

  fs::path folder_;
  Configuration configuration_;
};

TEST_F(BackupTest, OfARunningServerIsRestoredBitForBit) {
  Images images(configuration_);
  const std::string large(3'000'000, 'l');
  const std::string first = images.upload("the first image");
  const std::string second = images.upload(large);
  const BackupReport report = make();
  EXPECT_EQ(report.images, 2u);
  EXPECT_EQ(report.blobs, 2u);
  EXPECT_EQ(report.copied_blobs, 2u);
  EXPECT_EQ(report.bytes, large.size() + 15);
  EXPECT_TRUE(report.master_key);
  EXPECT_TRUE(report.damaged.empty());
  images.upload("after the backup");

  const RestoreReport restored = restore("new");
  EXPECT_EQ(restored.images, 2u);
  EXPECT_EQ(restored.blobs, 2u);
  EXPECT_EQ(restored.bytes, report.bytes);
  EXPECT_TRUE(restored.master_key);
  EXPECT_EQ(read(folder_ / "new" / "master.key"), "a key of the server");
  EXPECT_EQ(fs::status(folder_ / "new" / "master.key").permissions(), fs::perms(0600));
  EXPECT_FALSE(fs::exists(folder_ / "new" / ".restoring"));
  Images again(at("new"));
  EXPECT_EQ(again.download(first), "the first image");
  EXPECT_EQ(again.download(second), large);
  again.upload("a new one");
}

TEST_F(BackupTest, KeepsTheTimesOfTheBlobs) {
  Images images(configuration_);
  images.upload("bytes");
  const fs::path blob = blobs(folder_ / "data" / "store").at(0);
  make();
  restore("new");
  EXPECT_EQ(fs::last_write_time(blobs(folder_ / "new" / "store").at(0)), fs::last_write_time(blob));
}

TEST_F(BackupTest, IsTheSameWithoutVerifying) {
  std::string id;
  {
    Images images(configuration_);
    id = images.upload(std::string(100'000, 'x'));
  }
  BackupOptions options;
  options.verify = false;
  EXPECT_EQ(make(options).copied_blobs, 1u);
  restore("new");
  EXPECT_EQ(Images(at("new")).download(id), std::string(100'000, 'x'));
}

TEST_F(BackupTest, ARunningServerIsNotDisturbedAndASecondRunCopiesOnlyWhatIsNew) {
  Images images(configuration_);
  const std::string first = images.upload("the first");
  const std::string second = images.upload("the second");
  make();
  images.remove(first);
  const std::string third = images.upload("the third");
  const BackupReport report = make();
  EXPECT_EQ(report.blobs, 2u);
  EXPECT_EQ(report.copied_blobs, 1u);
  EXPECT_EQ(report.copied_bytes, 9u);
  EXPECT_EQ(blobs(folder_ / "backup" / "stores").size(), 2u) << "what was removed is gone";
  restore("new");
  Images again(at("new"));
  EXPECT_EQ(again.download(first), "not_found");
  EXPECT_EQ(again.download(second), "the second");
  EXPECT_EQ(again.download(third), "the third");
}

TEST_F(BackupTest, ABlobRemovedMeanwhileIsInTheBackupAndGoesAfterwards) {
  Images images(configuration_);
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(images.upload("image " + std::to_string(i)));
  BackupOptions options;
  options.on_blob = [&](std::uint64_t done) {
    if (done == 1) {
      for (const std::string& id : ids) images.remove(id);
      images.tidy();
      EXPECT_EQ(blobs(folder_ / "data" / "store").size(), 4u);
    }
    return true;
  };
  EXPECT_EQ(make(options).blobs, 4u);
  images.tidy();
  EXPECT_EQ(blobs(folder_ / "data" / "store").size(), 0u);
  restore("new");
  Images again(at("new"));
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(again.download(ids[static_cast<std::size_t>(i)]), "image " + std::to_string(i));
  }
}

TEST_F(BackupTest, ThatIsBrokenOffLeavesTheEarlierOneUsable) {
  Images images(configuration_);
  const std::string first = images.upload("the first");
  make();
  images.remove(first);
  for (int i = 0; i < 3; ++i) images.upload("more");
  BackupOptions options;
  options.on_blob = [](std::uint64_t done) { return done < 2; };
  const auto broken = make_backup(configuration_, backup(), options);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Code::cancelled);
  restore("new");
  EXPECT_EQ(Images(at("new")).download(first), "the first");
}

TEST_F(BackupTest, WhatACrashedRunLeftIsTakenAwayByTheNext) {
  Images images(configuration_);
  images.upload("bytes");
  make();
  fs::create_directories(folder_ / "backup" / "snapshot-left");
  write(folder_ / "backup" / "snapshot-left" / "catalogue.db", "half");
  const fs::path blob = blobs(folder_ / "backup" / "stores").at(0);
  write(blob.string() + ".partial", "half");
  make();
  EXPECT_FALSE(fs::exists(folder_ / "backup" / "snapshot-left"));
  EXPECT_FALSE(fs::exists(blob.string() + ".partial"));
  EXPECT_TRUE(fs::exists(blob));
}

TEST_F(BackupTest, ThatWasNeverCompletedIsRefused) {
  Images images(configuration_);
  images.upload("one");
  images.upload("two");
  BackupOptions options;
  options.on_blob = [](std::uint64_t) { return false; };
  ASSERT_FALSE(make_backup(configuration_, backup(), options));
  const Error error = refused("new");
  EXPECT_EQ(error.code, Code::not_found);
  EXPECT_TRUE(error.message.contains("manifest.json"));
  make();
  EXPECT_EQ(restore("new").images, 2u);
}

TEST_F(BackupTest, WithADamagedManifestIsRefused) {
  Images images(configuration_);
  images.upload("bytes");
  make();
  const fs::path path = folder_ / "backup" / "manifest.json";
  const std::string good = read(path);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const std::string& text :
       {std::string(), good.substr(0, good.size() / 2), std::string("[]"), std::string("{}"),
        with("visor-backup", "other"), with("\"version\": 1", "\"version\": 2"),
        with("\"images\"", "\"pictures\""), with("snapshot-", "../snapshot-"),
        with("\"file\"", "\"../file\"")}) {
    write(path, text);
    EXPECT_EQ(refused("new").code, Code::corrupt) << text;
  }
  write(path, good);
  restore("new");
}

TEST_F(BackupTest, WithOneWrongByteIsRefused) {
  Images images(configuration_);
  images.upload(std::string(10'000, 'x'));
  make();
  const auto manifest = read_manifest(read(folder_ / "backup" / "manifest.json"));
  ASSERT_TRUE(manifest);
  for (const fs::path& path : {blobs(folder_ / "backup" / "stores").at(0),
                               folder_ / "backup" / manifest->snapshot / "catalogue.db"}) {
    const std::string good = read(path);
    std::string bad = good;
    bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
    write(path, bad);
    Error error = refused("new");
    EXPECT_EQ(error.code, Code::corrupt);
    EXPECT_TRUE(error.message.starts_with("the backup is damaged: "));
    write(path, good.substr(1));
    EXPECT_EQ(refused("new").code, Code::corrupt);
    fs::remove(path);
    EXPECT_EQ(refused("new").code, Code::corrupt);
    write(path, good);
  }
  EXPECT_EQ(restore("new").blobs, 1u);
}

TEST_F(BackupTest, OfADamagedStoreNamesWhatItLacksAndKeepsTheRest) {
  Images images(configuration_);
  const std::string lost = images.upload("will be lost");
  const fs::path lost_blob = blobs(folder_ / "data" / "store").at(0);
  const std::string kept = images.upload("will be kept");
  fs::remove(lost_blob);
  BackupReport report = make();
  ASSERT_EQ(report.damaged.size(), 1u);
  EXPECT_EQ(report.damaged[0].reason, "it is missing");
  EXPECT_EQ(report.blobs, 1u);
  write(lost_blob, "wILL be lost");
  report = make();
  ASSERT_EQ(report.damaged.size(), 1u);
  EXPECT_TRUE(report.damaged[0].reason.contains("not those that were stored"));
  const RestoreReport restored = restore("new");
  EXPECT_EQ(restored.damaged.size(), 1u);
  Images again(at("new"));
  EXPECT_EQ(again.download(kept), "will be kept");
  EXPECT_EQ(again.download(lost), "not_found");
}

TEST_F(BackupTest, AStoreWhoseFolderIsGoneStopsIt) {
  Images(configuration_).upload("bytes");
  fs::rename(folder_ / "data" / "store", folder_ / "elsewhere");
  const auto report = make_backup(configuration_, backup());
  ASSERT_FALSE(report);
  EXPECT_TRUE(report.error().message.contains("store 'file'"));
  EXPECT_FALSE(fs::exists(folder_ / "backup" / "manifest.json"));
}

TEST_F(BackupTest, StoresThatAreNoFileStoresAreCountedAsNotIncluded) {
  configuration_.stores["fast"] = {StoreSettings::Kind::memory};
  Images images(configuration_);
  images.upload("kept");
  images.upload("in memory", "fast");
  const BackupReport report = make();
  EXPECT_EQ(report.blobs, 1u);
  EXPECT_EQ(report.outside, (std::map<std::string, std::uint64_t>{{"fast", 1}}));
  EXPECT_EQ(restore("new").blobs, 1u);
}

TEST_F(BackupTest, FollowsAConfigurationThatSpreadsThingsOut) {
  const auto spread = [this](const std::string& name) {
    Configuration configuration = at(name);
    configuration.catalogue.path = (folder_ / (name + "-catalogue") / "db").string();
    configuration.master_key = (folder_ / (name + "-key")).string();
    configuration.stores["big"] = {StoreSettings::Kind::file, (folder_ / (name + "-big")).string()};
    configuration.stores["deep"] = {StoreSettings::Kind::file, "DATA/stores/deep"};
    return configuration;
  };
  configuration_ = spread("data");
  fs::create_directory(folder_ / "data-catalogue");
  fs::create_directory(folder_ / "data" / "stores");
  std::vector<std::string> ids;
  {
    Images images(configuration_);
    for (const char* store : {"file", "big", "deep"}) ids.push_back(images.upload(store, store));
  }
  write(folder_ / "data-key", "kept apart");
  const BackupReport report = make();
  EXPECT_EQ(report.blobs, 3u);
  EXPECT_FALSE(report.master_key);

  const auto lacking = restore_backup(backup(), at("new"));
  ASSERT_FALSE(lacking);
  EXPECT_EQ(lacking.error().code, Code::invalid);
  EXPECT_TRUE(lacking.error().message.contains("store 'big'"));
  const auto restored = restore_backup(backup(), spread("new"));
  ASSERT_TRUE(restored) << restored.error().message;
  Images again(spread("new"));
  EXPECT_EQ(again.download(ids[0]), "file");
  EXPECT_EQ(again.download(ids[1]), "big");
  EXPECT_EQ(again.download(ids[2]), "deep");
  EXPECT_FALSE(fs::exists(folder_ / "new-big" / ".restoring"));
}

TEST_F(BackupTest, GoesOnlyWhereNothingElseIs) {
  Images(configuration_).upload("bytes");
  for (const char* inside : {"data", "data/backup", "data/store/backup"}) {
    const auto report = make_backup(configuration_, (folder_ / inside).string());
    ASSERT_FALSE(report) << inside;
    EXPECT_EQ(report.error().code, Code::invalid);
  }
  fs::create_symlink(folder_ / "data", folder_ / "link");
  EXPECT_FALSE(make_backup(configuration_, (folder_ / "link" / "backup").string()));
  write(folder_ / "file", "");
  EXPECT_FALSE(make_backup(configuration_, (folder_ / "file").string()));
  fs::create_directory(folder_ / "mine");
  write(folder_ / "mine" / "letter", "");
  const auto occupied = make_backup(configuration_, (folder_ / "mine").string());
  ASSERT_FALSE(occupied);
  EXPECT_EQ(occupied.error().code, Code::conflict);
  EXPECT_TRUE(make_backup(configuration_, (folder_ / "new" / "folder" / "").string()));
}

TEST_F(BackupTest, IsRestoredOnlyIntoAnEmptyFolder) {
  Images(configuration_).upload("bytes");
  make();
  fs::create_directories(folder_ / "used");
  write(folder_ / "used" / "letter", "dear");
  EXPECT_EQ(refused("used").code, Code::conflict);
  EXPECT_EQ(read(folder_ / "used" / "letter"), "dear");
  fs::create_directories(folder_ / "empty" / "lost+found");
  fs::create_directories(folder_ / "empty" / ".restoring" / "store");
  EXPECT_EQ(restore("empty").blobs, 1u);
}

TEST_F(BackupTest, OfNothingSaysWhatIsMissing) {
  const auto nowhere = make_backup(at("absent"), backup());
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, Code::not_found);
  const auto no_catalogue = make_backup(configuration_, backup());
  ASSERT_FALSE(no_catalogue);
  EXPECT_EQ(no_catalogue.error().code, Code::not_found);
  Configuration in_memory = configuration_;
  in_memory.catalogue.engine = CatalogueSettings::Engine::memory;
  EXPECT_EQ(make_backup(in_memory, backup()).error().code, Code::unsupported);
  EXPECT_EQ(restore_backup((folder_ / "absent").string(), at("new")).error().code, Code::not_found);
}

TEST_F(BackupTest, AServerStartsOnWhatWasRestored) {
  Configuration configuration = configuration_;
  fs::remove(folder_ / "data" / "master.key");
  configuration.listeners[0].address.port = 0;
  std::string root;
  {
    int told = 0;
    const auto tell = [&told](const Application::FirstAdministrator&) { ++told; };
    auto server = Application::start(configuration, tell);
    ASSERT_TRUE(server) << server.error().message;
    ASSERT_EQ(told, 1);
    make();
  }
  restore("new");
  configuration.data = (folder_ / "new").string();
  int told = 0;
  const auto tell = [&told](const Application::FirstAdministrator&) { ++told; };
  auto server = Application::start(configuration, tell);
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_EQ(told, 0) << "the administrator is known already";
}

TEST_F(BackupTest, TheCommandsTellTheOutcomeByTheirStatus) {
  Images(configuration_).upload("bytes");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_backup(configuration_, backup()), 0);
  EXPECT_EQ(run_restore(backup(), at("new")), 0);
  EXPECT_EQ(run_restore(backup(), at("new")), 1);
  EXPECT_EQ(run_backup(at("absent"), backup()), 1);
  const std::string out = testing::internal::GetCapturedStdout();
  const std::string err = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(out.contains("1 image and 1 blob of 5 B"));
  EXPECT_TRUE(err.contains("is not empty"));
}

}  // namespace
}  // namespace visor::app
