#include "audit/verify.h"

#include <algorithm>

#include "audit/audit_fixture.h"

namespace visor::audit {
namespace {

class AuditVerify : public AuditFixture {
 protected:
  /// Changes the lines of the only file and looks at the log with the key and without.
  template <class Change>
  std::pair<Verdict, Verdict> after(Change change) {
    const std::string name = files().back();
    std::vector<std::string> lines = lines_of(name);
    change(lines);
    put_lines(name, lines);
    auto chain = verify(options_.folder, nullptr);
    EXPECT_TRUE(chain);
    return {verdict(), std::move(*chain)};
  }

  void SetUp() override {
    start();
    fill(30);
    log_.reset();
  }
};

TEST_F(AuditVerify, FindsNothingWrongWithWhatAServerWrote) {
  const auto [whole, chain] = after([](auto&) {});
  EXPECT_TRUE(whole.whole()) << told(whole);
  EXPECT_TRUE(chain.whole()) << told(chain);
  EXPECT_TRUE(whole.seals_checked);
  EXPECT_FALSE(chain.seals_checked);
  EXPECT_EQ(whole.last.sequence, whole.lines);
}

TEST_F(AuditVerify, FindsEveryLineThatWasChanged) {
  const std::string name = files().back();
  const std::vector<std::string> lines = lines_of(name);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::vector<std::string> changed = lines;
    const auto place = changed[i].find("\"outcome\":\"done\"");
    if (place == std::string::npos) continue;
    changed[i].replace(place, 16, "\"outcome\":\"gone\"");
    put_lines(name, changed);
    const Verdict found = verdict();
    EXPECT_FALSE(found.whole()) << i;
    EXPECT_EQ(found.breaks[0].line, i + 1) << told(found);
    // Without the key, the line behind it tells; the last one is told by the checkpoint.
    EXPECT_FALSE(verify(options_.folder, nullptr)->whole()) << i;
  }
}

TEST_F(AuditVerify, FindsLinesThatWereTakenOutPutInOrExchanged) {
  const std::string name = files().back();
  const std::vector<std::string> lines = lines_of(name);
  const auto look = [&](std::vector<std::string> changed) {
    put_lines(name, changed);
    return !verdict().whole() && !verify(options_.folder, nullptr)->whole();
  };
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    std::vector<std::string> changed = lines;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_TRUE(look(changed)) << "removed " << i;
    changed = lines;
    changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
    EXPECT_TRUE(look(changed)) << "repeated " << i;
    changed = lines;
    std::swap(changed[i], changed[i + 1]);
    EXPECT_TRUE(look(changed)) << "exchanged " << i;
  }
}

TEST_F(AuditVerify, FindsAnEndThatWasCutOff) {
  const std::string name = files().back();
  const std::vector<std::string> lines = lines_of(name);
  for (std::size_t kept = 0; kept < lines.size(); ++kept) {
    put_lines(name, {lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(kept)});
    EXPECT_FALSE(verdict().whole()) << kept;
    EXPECT_FALSE(verify(options_.folder, nullptr)->whole()) << kept;
  }
}

TEST_F(AuditVerify, FindsAChainThatWasWrittenAnewWithoutTheKey) {
  const auto [forged, chain] = after([](std::vector<std::string>& lines) {
    const Seal forger(Secret("not the server's key"));
    Link last;
    for (std::string& text : lines) {
      Event event = event_of(Principal::of("nobody"), "image.delete");
      text = write_line(event, {}, last, forger);
      last = link_of(last.sequence + 1, text);
    }
  });
  EXPECT_FALSE(forged.whole());
  EXPECT_EQ(forged.breaks.size(), kMostBreaks);
  EXPECT_FALSE(chain.whole()) << "the checkpoint names another last line";
}

TEST_F(AuditVerify, FindsAMissingOrForgedCheckpoint) {
  std::string text = text_of("checkpoint.json");
  text.replace(text.find("\"sequence\":") + 11, 1, "1");
  put("checkpoint.json", text);
  EXPECT_FALSE(verdict().whole());
  std::filesystem::remove(path("checkpoint.json"));
  EXPECT_FALSE(verdict().whole());
}

TEST_F(AuditVerify, FindsAFileThatIsMissing) {
  options_.rotate_size = 10'000;
  start();
  for (int i = 0; i < 200; ++i) {
    const auto begun = log_->append_awaited(removal(std::to_string(i), Outcome::begun));
    ASSERT_TRUE(begun && settle(*begun));
  }
  log_.reset();
  const auto names = files();
  ASSERT_GE(names.size(), 4u);
  EXPECT_TRUE(verdict().whole());
  for (const auto& name : names) {
    const std::string text = text_of(name);
    std::filesystem::remove(path(name));
    EXPECT_FALSE(verdict().whole()) << name;
    put(name, text);
  }
  EXPECT_TRUE(verdict().whole());
}

TEST_F(AuditVerify, LooksAtOneFileAlone) {
  const std::string name = files().back();
  const auto one = verify(path(name), &seal_);
  ASSERT_TRUE(one);
  EXPECT_TRUE(one->whole());
  EXPECT_FALSE(verify(path("nothing"), &seal_));
}

TEST_F(AuditVerify, StandsWhateverIsInAFile) {
  const std::string name = files().back();
  for (const std::string& text :
       {std::string(200'000, 'x'), std::string(1000, '\0'), std::string("{}\n[]\nnull\n"),
        std::string("{\"seal\":\"") + std::string(70'000, '['), std::string()}) {
    put(name, text);
    EXPECT_FALSE(verdict().whole());
  }
}

}  // namespace
}  // namespace visor::audit
