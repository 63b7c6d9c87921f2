#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libsync/base/base64.h"
#include "libsync/base/digest.h"
#include "libsync/base/file.h"
#include "libsync/base/secret.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tests/support/temp_dir.h"

namespace libsync {
namespace {

using twinbox::test::TempDir;

TEST(Base64, AcceptsOnlyCanonicalText) {
  EXPECT_EQ(base64_encode("user\0x"), "dXNlcg==");
  EXPECT_EQ(base64_decode("dXNlcg=="), "user");
  EXPECT_EQ(base64_decode(""), "");
  for (const char* bad : {"dXNlcg", "dXNlcg=", "dXNlch==", "dXNl cg==", "dXNlcg==\n", "====", "A===", "dXNlcg==dXNl"}) {
    EXPECT_FALSE(base64_decode(bad)) << bad;
  }
}

TEST(Digest, IsSha256) {
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 hash;
  hash.update("a");
  hash.update("bc");
  EXPECT_EQ(hash.finish(), sha256("abc"));
  EXPECT_EQ(hash.finish(), sha256(""));
}

TEST(Secret, PrintsAsStars) {
  const Secret secret("hunter2");
  EXPECT_EQ(fmt::format("{}", secret), "***");
  EXPECT_EQ(secret.reveal(), "hunter2");
}

TEST(Printable, TakesTheTeethOutOfServerText) {
  EXPECT_EQ(printable("a\x1b[31mred\r\n"), "a [31mred  ");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            " 31m");                                        // CSI as one C1 character
  EXPECT_EQ(printable("evil\xE2\x80\xAEtxt"), "evil txt");  // right-to-left override
  EXPECT_EQ(printable("\xFF\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(printable("abcdef", 3), "abc…");
  EXPECT_EQ(printable("你好", 4), "你…");
}

TEST(DisplayWidth, CountsColumns) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("你好"), 4U);
  EXPECT_EQ(display_width("e\xCC\x81"), 1U);
  EXPECT_EQ(fit_width("你好世界", 5), "你好…");
  EXPECT_EQ(fit_width("你好", 4), "你好");
}

TEST(Numbers, ReadWell) {
  EXPECT_EQ(with_separators(1234567), "1,234,567");
  EXPECT_EQ(with_separators(999), "999");
  EXPECT_EQ(human_size(999), "999 B");
  EXPECT_EQ(human_size(4'900'000), "4.9 MB");
  EXPECT_EQ(human_size(999'999), "1.0 MB");
  EXPECT_EQ(human_size(91'000'000), "91 MB");
  EXPECT_EQ(human_duration(std::chrono::milliseconds(210)), "0.2 s");
  EXPECT_EQ(human_duration(std::chrono::hours(5)), "5 h");
  EXPECT_EQ(parse_u64("18446744073709551615"), UINT64_MAX);
  EXPECT_FALSE(parse_u64("18446744073709551616"));
  EXPECT_FALSE(parse_u64("-1"));
  EXPECT_FALSE(parse_u64("1 "));
  EXPECT_FALSE(parse_u64(""));
}

TEST(Words, FallBackToEnglishWhereATranslationDoesNotFit) {
  set_catalogue([](std::string_view english) -> std::string_view {
    if (english == "{} new") return "{} 封新邮件";
    if (english == "{} gone") return "{} {}";
    return {};
  });
  EXPECT_EQ(say("{} new", 3), "3 封新邮件");
  EXPECT_EQ(say("{} gone", 3), "3 gone");
  EXPECT_EQ(say("{} kept", 3), "3 kept");
  set_catalogue({});
}

TEST(WriteFileAtomically, ReplacesAndLeavesNothingBehind) {
  TempDir dir;
  RealFileSystem fs;
  const std::string path = dir / "a";
  ASSERT_TRUE(write_file_atomically(fs, path, "one"));
  ASSERT_TRUE(write_file_atomically(fs, path, "two"));
  EXPECT_EQ(read_file(fs, path, 10).value(), "two");
  EXPECT_EQ(fs.list(dir.path().string()).value(), std::vector<std::string>{"a"});
  EXPECT_EQ(read_file(fs, path, 2).error().code, Errc::Limit);
  EXPECT_EQ(read_file(fs, dir / "none", 2).error().code, Errc::NotFound);
}

// Root may write anywhere, so the test is somebody else for a while.
class AsNobody {
 public:
  AsNobody() : before_(::geteuid()) { (void)!::seteuid(before_ == 0 ? 65534 : before_); }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  ~AsNobody() { (void)!::seteuid(before_); }

 private:
  uid_t before_;
};

TEST(Files, ArePrintedHarmlesslyInErrors) {
  RealFileSystem fs;
  const auto none = fs.open("/nowhere/\x1B]0;x\x07", OpenMode::Read);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().what, "/nowhere/ ]0;x : No such file or directory");
}

TEST(MakeDirs, SaysWhyAFolderCannotBeMade) {
  RealFileSystem fs;
  const TempDir folder;
  EXPECT_TRUE(fs.make_dirs(folder / "a/b"));
  EXPECT_TRUE(fs.make_dirs(folder / "a/b"));
  std::ofstream(folder / "file") << "x";
  const auto file = fs.make_dirs(folder / "file/c");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::Disk);
  EXPECT_NE(file.error().what.find("Not a directory"), std::string::npos) << file.error().what;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  for (const mode_t mode : {0555, 0}) {  // may not be written to; may not be entered
    const std::string place = folder / std::to_string(mode);
    ASSERT_EQ(::mkdir(place.c_str(), mode), 0);
    ASSERT_EQ(::chmod(place.c_str(), mode), 0);
    const AsNobody nobody;
    const auto closed = fs.make_dirs(place + "/a/b");
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().code, Errc::Disk);
    EXPECT_NE(closed.error().what.find("Permission denied"), std::string::npos) << closed.error().what;
  }
}

}  // namespace
}  // namespace libsync
