#include "libsync/mime/header.h"

#include <gtest/gtest.h>

#include "libsync/mime/envelope.h"
#include "libsync/mime/message_id.h"

namespace libsync::mime {
namespace {

TEST(Header, FindsFieldsWithoutCopying) {
  const std::string_view bytes = "From: a\r\nSUBJECT : one\r\n two\r\nsubject:\r\n\r\nBody: no\r\n";
  const Header header(bytes);
  ASSERT_EQ(header.fields().size(), 3U);
  EXPECT_EQ(header.find("subject")->value, " one\r\n two");
  EXPECT_EQ(header.find("subject")->offset, 9U);
  EXPECT_EQ(header.find("subject")->name, "SUBJECT");
  EXPECT_EQ(header.find("Subject", 1)->value, "");
  EXPECT_EQ(header.find("Subject", 2), nullptr);
  EXPECT_EQ(header.count("subject"), 2U);
  EXPECT_EQ(header.find("Body"), nullptr);
  Converters converters;
  EXPECT_EQ(header.text("Subject", converters), "one two");
  EXPECT_EQ(header.text("Missing", converters), "");
}

TEST(Header, ReadsEveryKindOfLineEnd) {
  for (const std::string_view bytes :
       {"A: 1\r\nB: 2\r\n 3\r\n\r\nC: x", "A: 1\nB: 2\n 3\n\nC: x", "A: 1\rB: 2\r 3\r\rC: x",
        "A: 1\nB: 2\r\n 3\n\r\nC: x", "A: 1\r\r\nB: 2\r\r\n 3\r\r\n\r\r\nC: x"}) {
    const Header header(bytes);
    ASSERT_EQ(header.fields().size(), 2U) << bytes;
    EXPECT_EQ(header.find("B")->value.front(), ' ');
    EXPECT_EQ(unfold(header.find("B")->value), "2 3") << bytes;
  }
}

TEST(Header, PassesOverJunkOnlyWhereFieldsGoOn) {
  Defects defects;
  const Header mbox("From a@x Mon Jan 1\r\nA: 1\r\njunk\r\nB: 2\r\n\r\n", {}, &defects);
  EXPECT_EQ(mbox.fields().size(), 2U);
  EXPECT_EQ(defects.list(), (std::vector<Defect>{{Fault::JunkInHeader, 0}, {Fault::JunkInHeader, 26}}));
  Defects missing;
  FieldReader reader("A: 1\r\nHello,\r\n\r\nworld", &missing);
  Field field;
  while (reader.next(field)) {
  }
  EXPECT_EQ(reader.position(), 6U);  // no word of the body is lost
  EXPECT_TRUE(missing.has(Fault::NoHeaderEnd));
}

TEST(Header, StopsAtItsLimits) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += "A: b\r\n";
  Defects defects;
  const Header few(many, {.header_fields = 10}, &defects);
  EXPECT_EQ(few.fields().size(), 10U);
  EXPECT_TRUE(defects.has(Fault::TooManyFields));
  const Header small(many, {.header_bytes = 60});
  EXPECT_EQ(small.fields().size(), 10U);
}

TEST(Envelope, IsReadFromTheHeaderAlone) {
  Converters converters;
  Defects defects;
  const Envelope e = parse_envelope(
      "Return-Path: <x>\r\nDate: Mon, 02 Jan 2006 15:04:05 +0700\r\nSubject: =?gb2312?B?xOO6ww==?=\r\n"
      "From: =?utf-8?Q?J=C3=B6rg?= <j@x>\r\nSender: s@x\r\nReply-To: r@x\r\nTo: a@x\r\nTO: b@x\r\nCc: c@x\r\n"
      "Bcc: d@x\r\nMessage-ID: <1@x>\r\nIn-Reply-To: Your message of <2@x>\r\n"
      "References: <3@x>\r\n\t<4@ x>\r\nList-Id: A list <list.x>\r\nSubject: second\r\n\r\nCc: body@x\r\n",
      converters, {}, &defects);
  ASSERT_TRUE(e.date);
  EXPECT_EQ(e.date->unix_seconds, 1136189045);
  EXPECT_EQ(e.subject, "你好");
  EXPECT_EQ(display(e.from), "Jörg <j@x>");
  EXPECT_EQ(display(e.sender), "s@x");
  EXPECT_EQ(display(e.reply_to), "r@x");
  EXPECT_EQ(display(e.to), "a@x, b@x");
  EXPECT_EQ(display(e.cc), "c@x");
  EXPECT_EQ(display(e.bcc), "d@x");
  EXPECT_EQ(e.message_id, "1@x");
  EXPECT_EQ(e.in_reply_to, std::vector<std::string>{"2@x"});
  EXPECT_EQ(e.references, (std::vector<std::string>{"3@x", "4@x"}));
  EXPECT_EQ(e.list_id, "list.x");
  EXPECT_TRUE(defects.has(Fault::DuplicateField));
}

TEST(Envelope, OfNothingIsEmpty) {
  Converters converters;
  for (const std::string_view bytes : {"", "\r\n", "body\r\n", "\r\n\r\nSubject: x", "Date: garbage\r\n"}) {
    const Envelope e = parse_envelope(bytes, converters);
    EXPECT_FALSE(e.date);
    EXPECT_TRUE(e.subject.empty() && e.from.empty() && e.message_id.empty()) << bytes;
  }
}

TEST(Envelope, TakesALineOf50MegabytesForWhatItIs) {
  Converters converters;
  Defects defects;
  const std::string line = "From: a@x\r\nSubject: " + std::string(50 << 20, 'x') + "\r\nTo: beyond@x\r\n\r\n";
  const Envelope e = parse_envelope(line, converters, {}, &defects);
  EXPECT_EQ(e.subject.size(), kMaxValueBytes - 1);
  EXPECT_EQ(display(e.from), "a@x");
  EXPECT_EQ(display(e.to), "");  // it begins behind kMaxHeaderBytes
  EXPECT_TRUE(defects.has(Fault::ValueTooLong));
  EXPECT_TRUE(defects.has(Fault::TooManyFields));
}

TEST(MessageIds, AreFoundAmongWords) {
  using Ids = std::vector<std::string>;
  EXPECT_EQ(parse_ids("<a@x> <b@y>"), (Ids{"a@x", "b@y"}));
  EXPECT_EQ(parse_ids("<a@x><b@y>"), (Ids{"a@x", "b@y"}));
  EXPECT_EQ(parse_ids("Your message of \"x\" <a\r\n @x>"), Ids{"a@x"});
  Defects defects;
  EXPECT_EQ(parse_ids("a@x, b@y", {}, &defects), (Ids{"a@x", "b@y"}));
  EXPECT_TRUE(defects.has(Fault::BadMessageId));
  EXPECT_EQ(parse_ids("<a@x <b@y>"), (Ids{"a@x", "b@y"}));
  EXPECT_EQ(parse_ids("<a@x"), Ids{"a@x"});
  EXPECT_EQ(parse_ids("<>"), Ids{});
  EXPECT_EQ(parse_ids(""), Ids{});
  std::string many;
  for (int i = 0; i < 100; ++i) many += "<a>";
  EXPECT_EQ(parse_ids(many, {.ids = 10}).size(), 10U);
  many.clear();
  for (size_t i = 0; i < kMaxIds + 5; ++i) many += "<a@b> ";
  Defects too_many;
  EXPECT_EQ(parse_ids(many, {}, &too_many).size(), kMaxIds);
  EXPECT_TRUE(too_many.has(Fault::TooManyIds));
}

}  // namespace
}  // namespace libsync::mime
