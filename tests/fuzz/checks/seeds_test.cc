// Every quirk of a server has a seed with a whole session in which it is met: seeds/replicas_NAME/quirk_ROW.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "libsync/imap/quirks.h"
#include "libsync/pop3/quirks.h"

#include "tests/fuzz/talk.h"

namespace libsync::fuzz {
namespace {

std::string seed(std::string_view target, std::string_view name) {
  const auto path = std::filesystem::path(TWINBOX_SOURCE_DIR) / "tests/fuzz/seeds" / target / name;
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

class Notes final : public Trace {
 public:
  void line(TraceKind kind, std::string_view text) override {
    if (kind == TraceKind::Note) all += std::string(text) + "\n";
    log += std::string(kind == TraceKind::Client   ? "C: "
                       : kind == TraceKind::Server ? "S: "
                                                   : "* ") +
           std::string(text) + "\n";
  }
  bool tolerated(std::string_view row) const {
    return all.find("tolerated: " + std::string(row) + " (") != std::string::npos;
  }
  std::string all, log;
};

TEST(Seeds, AUsualSessionOfEachProtocolFetchesItsMail) {
  Notes imap, pop3;
  EXPECT_GE(talk_imap(seed("replicas_imap", "usual"), &imap).messages, 1U) << imap.log;
  EXPECT_GE(talk_pop3(seed("replicas_pop3", "usual"), &pop3).messages, 2U) << pop3.log;
  EXPECT_EQ(imap.all + pop3.all, "") << "and shows no quirk";
}

TEST(Seeds, AWritableAccountIsChanged) {
  Notes notes;
  EXPECT_EQ(talk_imap(seed("replicas_imap", "writes"), &notes).changed, 8U) << notes.log;
}

TEST(Seeds, EachImapQuirkIsMetInItsOwn) {
  for (const auto& row : imap::kQuirks) {
    Notes notes;
    talk_imap(seed("replicas_imap", "quirk_" + std::string(row.name)), &notes);
    EXPECT_TRUE(notes.tolerated(row.name)) << row.name << "\n" << notes.log.substr(0, 4000);
  }
}

TEST(Seeds, EachPop3QuirkIsMetInItsOwn) {
  for (const auto& row : pop3::kQuirks) {
    Notes notes;
    talk_pop3(seed("replicas_pop3", "quirk_" + std::string(row.name)), &notes);
    // What is no line in a trace, or is done in silence, is there to be fuzzed all the same.
    if (!row.is_lesson || row.quirk == pop3::Quirk::PartialMaildrop || row.quirk == pop3::Quirk::WaitInWords) continue;
    EXPECT_TRUE(notes.tolerated(row.name)) << row.name << "\n" << notes.log.substr(0, 4000);
  }
}

}  // namespace
}  // namespace libsync::fuzz
