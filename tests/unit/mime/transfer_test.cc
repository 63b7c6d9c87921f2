#include "libsync/mime/transfer.h"

#include <gtest/gtest.h>

namespace libsync::mime {
namespace {

struct Case {
  std::string_view in, out;
  bool damaged;
};

// Every cut into two pieces, and byte by byte, must give what the whole gives.
void check(Encoding encoding, const Case& c) {
  Defects defects;
  EXPECT_EQ(decode_transfer(encoding, c.in, &defects), c.out) << c.in;
  EXPECT_EQ(defects.total() > 0, c.damaged) << c.in;
  EXPECT_LE(defects.total(), 1U) << c.in;
  for (size_t cut = 0; cut <= c.in.size(); ++cut) {
    TransferDecoder decoder(encoding);
    std::string out;
    decoder.feed(c.in.substr(0, cut), out);
    decoder.feed(c.in.substr(cut), out);
    decoder.finish(out);
    EXPECT_EQ(out, c.out) << c.in << " cut at " << cut;
  }
  TransferDecoder decoder(encoding);
  std::string out;
  for (const char byte : c.in) decoder.feed({&byte, 1}, out);
  decoder.finish(out);
  EXPECT_EQ(out, c.out) << c.in << " byte by byte";
}

TEST(Base64, IsReadWithAllItsDamages) {
  for (const Case& c : {
           Case{"", "", false},
           Case{"aGVsbG8=", "hello", false},
           Case{"aGVsbG8gd29ybGQ=\r\n", "hello world", false},
           Case{"aGVs\r\nbG8g\r\nd29y\r\nbGQ=\r\n", "hello world", false},
           Case{" aG Vs\tbG8 = ", "hello", false},
           Case{"aGVsbG8", "hello", true},     // no padding
           Case{"aGVsbA", "hell", true},       // no padding
           Case{"aGVsbA=", "hell", false},     // half the padding
           Case{"aGVsbG8==", "hello", false},  // too much
           Case{"aGVs*bG8=", "hello", true},   // a foreign character
           Case{{"aGVs\0bG8=", 9}, "hello", true},
           Case{"aGVsbG8=d29ybGQ=", "helloworld", true},  // two pieces, one behind the other
           Case{"aGVsbG8=\r\n_______\r\nmailing list footer\r\n", "hello", true},
           Case{"aGVsbG8gd29ybGQhaGVsbG8gd29ybGQhaGVsbG8gd29ybGQh", "hello world!hello world!hello world!", false},
           Case{"a", "", true},
           Case{"=", "", true},
           Case{"aGVsb", "hel", true},
       }) {
    check(Encoding::Base64, c);
  }
}

TEST(QuotedPrintable, IsReadWithAllItsDamages) {
  for (const Case& c : {
           Case{"", "", false},
           Case{"a=3Db=20c", "a=b c", false},
           Case{"caf=c3=a9", "caf\xC3\xA9", false},  // lower-case digits
           Case{"soft=\r\nbreak=\nhere", "softbreakhere", false},
           Case{"soft= \t\r\nbreak", "softbreak", false},  // spaces behind the '='
           Case{"soft=\rbreak", "softbreak", false},
           Case{"line  \t\r\nnext", "line\r\nnext", false},  // spaces at the end of a line go
           Case{"in  the  middle", "in  the  middle", false},
           Case{"=20 \r\n", " \r\n", false},
           Case{"lone = sign", "lone = sign", true},
           Case{"=ZZ", "=ZZ", true},
           Case{"=4", "=4", true},
           Case{"=4Z", "=4Z", true},
           Case{"==41", "=A", true},
           Case{"end=", "end", false},
           Case{"raw \xE4 byte", "raw \xE4 byte", false},
       }) {
    check(Encoding::QuotedPrintable, c);
  }
}

TEST(QuotedPrintable, KeepsMoreSpacesThanALineMayHave) {
  const std::string spaces(5000, ' ');
  EXPECT_EQ(decode_transfer(Encoding::QuotedPrintable, "a" + spaces + "b"), "a" + spaces + "b");
  EXPECT_LT(decode_transfer(Encoding::QuotedPrintable, "=" + spaces + "b").size(), spaces.size() + 3);
}

TEST(Uuencode, IsRead) {
  check(Encoding::Uuencode, {"begin 644 a.txt\r\n+:&5L;&\\@=V]R;&0\r\n`\r\nend\r\n", "hello world", false});
  check(Encoding::Uuencode, {"intro\nbegin 644 a\n#0V%T\n`\nend\ntrailer\n", "Cat", false});
  check(Encoding::Uuencode, {"begin 644 a\n#0V%T\n", "Cat", true});  // no end
}

TEST(EncodingNames, AreReadAsTheyOccur) {
  const std::pair<std::string_view, Encoding> table[] = {{"base64", Encoding::Base64},
                                                         {" BASE64 (comment)", Encoding::Base64},
                                                         {"(comment) base64", Encoding::Base64},
                                                         {"\"base64\"", Encoding::Base64},
                                                         {"base64;", Encoding::Base64},
                                                         {"8BIT", Encoding::EightBit},
                                                         {"", Encoding::SevenBit},
                                                         {"quoted-printable\r\n", Encoding::QuotedPrintable},
                                                         {"x-uue", Encoding::Uuencode},
                                                         {"hexabinary", Encoding::Unknown},
                                                         {"binary", Encoding::Binary}};
  for (const auto& [value, encoding] : table) EXPECT_EQ(encoding_of(value), encoding) << value;
}

}  // namespace
}  // namespace libsync::mime
