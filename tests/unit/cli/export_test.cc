#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libsync/base/digest.h"

#include "tests/support/temp_dir.h"
#include "tools/twinbox/export_target.h"

namespace twinbox {
namespace {

using libsync::Errc;
using libsync::RealFileSystem;
using libsync::Status;
using testing::HasSubstr;

struct Mail {
  libsync::store::MessageInfo info{};
  std::string octets;

  // Pieces of every size show what happens at their borders.
  Octets pieces(size_t size) const {
    return [this, size](const std::function<bool(std::string_view)>& sink) -> Status {
      for (size_t at = 0; at < octets.size(); at += size) {
        if (!sink(std::string_view(octets).substr(at, size))) break;
      }
      return {};
    };
  }
};

Mail mail(std::string octets, std::string subject = "hello") {
  Mail out{.octets = std::move(octets)};
  out.info.id = 4;
  out.info.uid = 7;
  out.info.internaldate = 1'790'000'000;
  out.info.sha256 = libsync::sha256(out.octets);
  out.info.envelope.subject = std::move(subject);
  out.info.envelope.from = "Anna <anna@example.org>";
  return out;
}

std::string contents(const std::string& path) {
  std::stringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

std::string hello_name(const Mail& m) {
  return "undated-hello-" + libsync::to_hex(m.info.sha256).substr(0, 8) + ".eml";
}

TEST(ExportEml, WritesTheExactOctets) {
  const test::TempDir folder;
  RealFileSystem fs;
  const Mail m = mail(std::string("A: b\r\n\r\n.\r\nFrom x\n\0\xFF no end", 27));
  for (const size_t size : {1UL, 3UL, 1000UL}) {
    const auto target = eml_target(fs, folder / "out");
    const auto done = target->add({"Archive", "2026"}, m.info, m.pieces(size));
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(*done, size == 1 ? Exported::Written : Exported::AlreadyThere);
    EXPECT_TRUE(target->finish());
  }
  EXPECT_EQ(contents(folder / "out/Archive/2026/" + hello_name(m)), m.octets);
}

TEST(ExportEml, AnotherFileInThePlaceIsLeftAlone) {
  const test::TempDir folder;
  RealFileSystem fs;
  std::filesystem::create_directories(folder / "out/INBOX");
  const Mail m = mail("x");
  std::ofstream(folder / "out/INBOX/" + hello_name(m)) << "mine";
  const auto done = eml_target(fs, folder / "out")->add({"INBOX"}, m.info, m.pieces(9));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::Refused);
  EXPECT_EQ(contents(folder / "out/INBOX/" + hello_name(m)), "mine");
}

TEST(ExportEml, TheNameIsTheMessagesOwnWhateverNumbersTheStoreGivesIt) {
  const test::TempDir folder;
  RealFileSystem fs;
  Mail m = mail("A: b\r\n\r\nx", "Lunch: today?");
  m.info.envelope.date = 1'767'366'240;  // 2026-01-02 15:04 UTC
  const auto target = eml_target(fs, folder / "out");
  EXPECT_EQ(*target->add({"INBOX"}, m.info, m.pieces(9)), Exported::Written);
  EXPECT_EQ(*target->add({"INBOX"}, m.info, m.pieces(9)), Exported::Written) << "there twice, exported twice";
  const std::string hash = libsync::to_hex(m.info.sha256).substr(0, 8);
  EXPECT_EQ(*fs.list(folder / "out/INBOX"), (std::vector<std::string>{"20260102-1504-Lunch_ today_-" + hash + "-2.eml",
                                                                      "20260102-1504-Lunch_ today_-" + hash + ".eml"}));
  m.info.id = 99;
  m.info.uid = 88;
  m.info.internaldate = 1'795'000'000;
  const auto again = eml_target(fs, folder / "out");
  EXPECT_EQ(*again->add({"INBOX"}, m.info, m.pieces(9)), Exported::AlreadyThere);
  EXPECT_EQ(*again->add({"INBOX"}, m.info, m.pieces(9)), Exported::AlreadyThere);
  EXPECT_EQ(*again->add({"Archive"}, m.info, m.pieces(9)), Exported::Written);
}

TEST(ExportEml, NamesFromOutsideNeverLeaveTheFolder) {
  const test::TempDir folder;
  RealFileSystem fs;
  const Mail m = mail("x", std::string("../../etc/pass\0wd\n", 18));
  const auto target = eml_target(fs, folder / "out");
  for (const libsync::sync::Path& path : {libsync::sync::Path{"..", "..", "etc"}, libsync::sync::Path{"/etc"},
                                          libsync::sync::Path{std::string("a\0b", 3)}, libsync::sync::Path{""},
                                          libsync::sync::Path{std::string(5000, 'x')}}) {
    ASSERT_TRUE(target->add(path, m.info, m.pieces(9)));
  }
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path()))
    files += entry.is_regular_file();
  EXPECT_EQ(files, 5U);
}

TEST(ExportEml, AFailureLeavesNoHalfFile) {
  const test::TempDir folder;
  RealFileSystem fs;
  const auto done = eml_target(fs, folder / "out")->add({"INBOX"}, mail("x").info, [](const auto& sink) -> Status {
    sink("half");
    return libsync::fail(Errc::Corrupt, "damaged");
  });
  ASSERT_FALSE(done);
  EXPECT_TRUE(std::filesystem::is_empty(folder / "out/INBOX"));
}

std::string mbox_of(const Mail& m, size_t size) {
  const test::TempDir folder;
  RealFileSystem fs;
  const auto target = mbox_target(fs, folder / "m", {});
  EXPECT_TRUE(target->add({"INBOX"}, m.info, m.pieces(size)));
  EXPECT_TRUE(target->finish());
  return contents(folder / "m");
}

TEST(ExportMbox, QuotesFromLinesWhereverPiecesEnd) {
  const Mail m = mail("A: b\r\n\r\nFrom x\r\n>From y\r\n>>From z\r\nFro\r\n>Fromage\r\n From\r\n\r\n>\r\nFrom ");
  for (size_t size = 1; size < 40; ++size) {
    EXPECT_EQ(mbox_of(m, size),
              "From anna@example.org Mon Sep 21 14:13:20 2026\n"
              "A: b\n\n>From x\n>>From y\n>>>From z\nFro\n>Fromage\n From\n\n>\n>From \n\n")
        << size;
  }
}

TEST(ExportMbox, KeepsALoneCrAndAnEmptyMessage) {
  for (size_t size = 1; size < 9; ++size) {
    EXPECT_THAT(mbox_of(mail("a\rb\r\r\nc\r"), size), HasSubstr("\na\rb\r\nc\r\n\n")) << size;
  }
  EXPECT_EQ(mbox_of(mail(""), 1), "From anna@example.org Mon Sep 21 14:13:20 2026\n\n");
}

TEST(ExportMbox, ASenderCannotAddALine) {
  Mail m = mail("x\n");
  m.info.envelope.from = "\"a b\nFrom c\"@d";
  EXPECT_THAT(mbox_of(m, 9), HasSubstr("From MAILER-DAEMON "));
}

TEST(ExportMbox, AnExistingFileIsNeverOverwritten) {
  const test::TempDir folder;
  RealFileSystem fs;
  const Mail m = mail("x\n");
  for (const bool expected : {true, true}) {
    const auto target = mbox_target(fs, folder / "m", {});
    ASSERT_TRUE(target->add({"INBOX"}, m.info, m.pieces(9)));
    EXPECT_EQ(target->finish().has_value(), expected) << "the same export again changes nothing";
  }
  std::ofstream(folder / "m") << "mine";
  const auto target = mbox_target(fs, folder / "m", {});
  ASSERT_TRUE(target->add({"INBOX"}, m.info, m.pieces(9)));
  const auto refused = target->finish();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Refused);
  EXPECT_THAT(refused.error().hint, HasSubstr("written whole"));
  EXPECT_EQ(contents(folder / "m"), "mine");
}

TEST(ExportMaildir, PutsFlagsIntoTheNameAndFoldersBesideEachOther) {
  const test::TempDir folder;
  RealFileSystem fs;
  Mail m = mail("A: b\r\n\r\nx\r\n");
  m.info.flags.system = libsync::sync::kSeen | libsync::sync::kFlagged | libsync::sync::kAnswered;
  const auto target = maildir_target(fs, folder / "out");
  ASSERT_TRUE(target->add({"INBOX"}, m.info, m.pieces(1)));
  ASSERT_TRUE(target->add({"Archive", "20.26"}, m.info, m.pieces(1)));
  ASSERT_TRUE(target->add({"..", "/"}, m.info, m.pieces(1)));
  ASSERT_TRUE(target->finish());
  const auto names = fs.list(folder / "out/cur");
  ASSERT_TRUE(names && names->size() == 1);
  EXPECT_TRUE(names->front().ends_with(":2,FRS")) << names->front();
  EXPECT_EQ(contents(folder / "out/cur/" + names->front()), "A: b\n\nx\n");
  const auto top = fs.list(folder / "out");
  EXPECT_TRUE(std::ranges::any_of(*top, [](const std::string& n) { return n.starts_with(".Archive.20_26~"); }));
  for (const auto& name : *top) {
    EXPECT_TRUE(name[0] != '.' || fs.exists(folder / "out/" + name + "/maildirfolder")) << name;
  }
  const auto again = maildir_target(fs, folder / "out");
  m.info.flags.system = 0;
  m.info.id = 99;
  m.info.internaldate = 1'795'000'000;
  EXPECT_EQ(*again->add({"INBOX"}, m.info, m.pieces(9)), Exported::AlreadyThere) << "a rebuilt store";
  EXPECT_EQ(*again->add({"INBOX"}, m.info, m.pieces(9)), Exported::Written) << "a second copy in the folder";
}

TEST(SafeComponent, NeverMakesOneNameOfTwo) {
  EXPECT_EQ(safe_component("Archive"), "Archive");
  EXPECT_EQ(safe_component("收件箱"), "收件箱");
  EXPECT_NE(safe_component("a/b"), safe_component("a\\b"));
  EXPECT_NE(safe_component(".."), safe_component("."));
  EXPECT_EQ(safe_component("..").find('/'), std::string::npos);
}

}  // namespace
}  // namespace twinbox
