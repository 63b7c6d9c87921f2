#include "libsync/imap/names.h"

#include <gtest/gtest.h>

namespace libsync::imap {
namespace {

using Path = std::vector<std::string>;

TEST(ModifiedUtf7, GoesBothWays) {
  // The example of RFC 3501, section 5.1.3.
  EXPECT_EQ(decode_mutf7("~peter/mail/&U,BTFw-/&ZeVnLIqe-"), "~peter/mail/台北/日本語");
  for (const char* text : {"", "INBOX", "a&b", "草稿箱", "Entwürfe", "😀 x", "&", "é&é", "\x01"}) {
    const auto wire = encode_mutf7(text);
    ASSERT_TRUE(wire);
    EXPECT_EQ(decode_mutf7(*wire), text);
  }
  EXPECT_EQ(encode_mutf7("a&b"), "a&-b");
  EXPECT_FALSE(encode_mutf7("\xFF"));
}

TEST(ModifiedUtf7, RefusesWhatIsNotCanonical) {
  // Printable ASCII in base64, sections that touch, odd bits, lone surrogates, no end, 8-bit, NUL.
  for (const char* bad : {"&AGE-", "&U,A-&U,A-", "&U,C-", "&2AA-", "&3AA-", "&U,A", "\xC3\xA9", "&AAA-", "&A-", "a&"}) {
    EXPECT_FALSE(decode_mutf7(bad)) << bad;
  }
}

TEST(Names, AreSplitIntoComponentsThatAreOnlyData) {
  EXPECT_EQ(split_name("../../etc", '/', false).components, (Path{"..", "..", "etc"}));
  EXPECT_EQ(split_name("a.b/c", '.', false).components, (Path{"a", "b/c"}));
  EXPECT_EQ(split_name("a/b", '\0', false).components, (Path{"a/b"}));
  EXPECT_EQ(split_name("inbox/Sub", '/', false).components, (Path{"INBOX", "Sub"}));
  EXPECT_EQ(split_name("a//b/", '/', false).components, (Path{"a", "", "b"}));
  EXPECT_EQ(split_name("日本/é", '/', true).components, (Path{"日本", "é"}));
}

TEST(Names, ThatAreNotCanonicalAreKeptAsTheyCame) {
  const SplitName split = split_name("ok/a&b", '/', false);
  EXPECT_FALSE(split.canonical);
  EXPECT_EQ(split.components, (Path{"ok", "a&b"}));
  EXPECT_TRUE(split_name("ok/a&-b", '/', false).canonical);
  EXPECT_EQ(split_name("x\xFFy", '/', false).components, (Path{"x\xEF\xBF\xBDy"}));
}

TEST(Names, ADelimiterInBase64DoesNotSplit) {
  EXPECT_EQ(split_name("&U,BTFw-,x", ',', false).components, (Path{"台北", "x"}));
}

TEST(Names, AreJoinedOnlyIfTheyCanBeSplitAgain) {
  EXPECT_EQ(join_name({"台北", "a"}, '/', false).value(), "&U,BTFw-/a");
  EXPECT_EQ(join_name({"台北", "a"}, '.', true).value(), "台北.a");
  for (const Path& bad : {Path{"a/b"}, Path{""}, Path{"a", ""}, Path{}, Path{std::string("a\0b", 3)}, Path{"a\r\nb"},
                          Path{std::string(5000, 'x')}}) {
    EXPECT_FALSE(join_name(bad, '/', false));
  }
  EXPECT_FALSE(join_name({"a", "b"}, '\0', false));
}

}  // namespace
}  // namespace libsync::imap
