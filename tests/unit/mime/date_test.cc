#include "libsync/mime/date.h"

#include <string>

#include <gtest/gtest.h>

namespace libsync::mime {
namespace {

constexpr int64_t kThen = 1136189045;  // 2006-01-02T15:04:05+07:00 is 08:04:05Z

struct Case {
  std::string_view text;
  int64_t seconds;
  int zone;
  bool known;
};

TEST(Dates, AreReadInTheFormsThatOccur) {
  constexpr int64_t kUtc = kThen + 7 * 3600 - 7 * 3600;
  for (const Case& c : {
           Case{"Mon, 02 Jan 2006 15:04:05 +0700", kUtc, 420, true},
           Case{"Mon, 2 Jan 2006 15:04:05 +0700 (ICT)", kUtc, 420, true},
           Case{"2 Jan 2006 15:04:05 +0700", kUtc, 420, true},        // no weekday
           Case{"Tue, 02 Jan 2006 15:04:05 +0700", kUtc, 420, true},  // the wrong one
           Case{"Mon,02 Jan 06 15:04:05 +0700", kUtc, 420, true},     // two-digit year
           Case{"02-Jan-2006 15:04:05 +0700", kUtc, 420, true},       // IMAP's
           Case{"Mon, 02 Jan 2006 15:04:05 +07:00", kUtc, 420, true},
           Case{"Mon, 02 Jan 2006 15:04:05 GMT+0700", kUtc, 420, true},
           Case{"Mon, 02 Jan 2006 03:04:05 EST+70", kUtc, -300, true},  // no offset: the name counts
           Case{"Mon, 02 January 2006 15:04:05 +0700", kUtc, 420, true},
           Case{"Jan 2, 2006 15:04:05 +0700", kUtc, 420, true},
           Case{"Mon (day), 02 (two) Jan 2006 15:04:05 +0700", kUtc, 420, true},
           Case{"Mon,\r\n 02 Jan 2006\r\n 15:04:05 +0700", kUtc, 420, true},
           Case{"Mon, 02 Jan 2006 08:04:05 GMT", kUtc, 0, true},
           Case{"Mon, 02 Jan 2006 08:04:05 Z", kUtc, 0, true},
           Case{"Mon, 02 Jan 2006 08:04:05 -0000", kUtc, 0, false},
           Case{"Mon, 02 Jan 2006 08:04:05", kUtc, 0, false},  // no zone
           Case{"Mon, 02 Jan 2006 08:04:05 XYZ", kUtc, 0, false},
           Case{"Mon, 02 Jan 2006 08:04:05 +9999", kUtc, 0, false},  // no such zone
           Case{"Mon, 02 Jan 2006 03:04:05 EST", kUtc, -300, true},
           Case{"Mon, 02 Jan 2006 09:04:05 CET", kUtc, 60, true},
           Case{"Mon Jan  2 08:04:05 2006", kUtc, 0, false},           // asctime
           Case{"Mon Jan  2 03:04:05 EST 2006", kUtc, -300, true},     // date(1)
           Case{"Mon, 02 Jan 2006 15:04 +0700", kUtc - 5, 420, true},  // no seconds
           Case{"Mon, 02 Jan 2006 8:04:05 GMT", kUtc, 0, true},
           Case{"1/2/2006 8:04:05 AM", kUtc, 0, false},
           Case{"1/2/2006 3:04:05 PM", kUtc + 7 * 3600, 0, false},
           Case{"13/1/2006 00:00", 1137110400, 0, false},
           Case{"2006-01-02T15:04:05+07:00", kUtc, 420, true},  // RFC 3339
           Case{"2006-01-02 08:04:05.123Z", kUtc, 0, true},
           Case{"2006/01/02 08:04:05", kUtc, 0, false},
           Case{"20060102T080405Z", kUtc, 0, true},
           Case{"2006-01-02", kUtc - 8 * 3600 - 245, 0, false},
           Case{"Thu, 01 Jan 1970 00:00:00 +0000", 0, 0, true},
           Case{"Wed, 31 Dec 1969 23:59:59 +0000", -1, 0, true},
           Case{"Thu, 29 Feb 2024 12:00:00 +0000", 1709208000, 0, true},
           Case{"Tue, 30 Jun 2015 23:59:60 +0000", 1435708799, 0, true},  // a leap second
           Case{"Sat, 01 Jan 100 00:00:00 +0000", 946684800, 0, true},    // a year 2000 program
           Case{"Sun, 12 Sept 2021 00:00:00 +0000", 1631404800, 0, true},
           Case{"Sun, 01 Jan 2006 24:00:00 +0000", kUtc - 8 * 3600 - 245, 0, true},  // midnight at its end
           Case{"24:00 1 Jan 2006", kUtc - 8 * 3600 - 245, 0, false},
       }) {
    const auto date = parse_date(c.text);
    ASSERT_TRUE(date) << c.text;
    EXPECT_EQ(date->unix_seconds, c.seconds) << c.text;
    EXPECT_EQ(date->zone_minutes, c.zone) << c.text;
    EXPECT_EQ(date->zone_known, c.known) << c.text;
  }
}

TEST(Dates, ThatDoNotExistAreNone) {
  for (const char* text : {"", "garbage", "Mon, 32 Jan 2006 00:00:00 +0000", "30 Feb 2006", "29 Feb 2023 00:00 GMT",
                           "02 Jan 2006 24:00:01 +0000", "02 Jan 2006 24:01 +0000", "02 Jan 2006 25:00:00 +0000",
                           "02 Jan 2006 12:60:00 +0000", "2 Foo 2006", "Jan 2006", "99999999999999 Jan 2006",
                           "2006-13-01", "0000-00-00", "1 Jan 1066", ":::::", "(((((", "2 Jan 2006 12:"}) {
    EXPECT_FALSE(parse_date(text)) << text;
  }
}

TEST(Dates, HaveWeekdaysThatLookLikeMonths) {
  for (const char* text :
       {"Mar, 3 Jan 2006 00:00:00 +0000", "mar., 03 ene 2006 00:00:00 +0000", "Mar 3 Jan 2006 00:00:00 GMT",
        "mar. 03 janv. 2006 00:00:00 GMT", "Mar Jan  3 00:00:00 2006", "Jan 3, 2006", "January 3 2006"}) {
    const auto date = parse_date(text);
    ASSERT_TRUE(date) << text;
    EXPECT_EQ(date->unix_seconds, 1136246400) << text;
  }
  EXPECT_FALSE(parse_date("mar, 03 foo 2006"));
}

TEST(Dates, HaveGermanFrenchAndSpanishMonths) {
  struct Name {
    const char* text;
    int month;
  };
  for (const Name& c : {
           Name{"Mo, 2 Mai", 5},
           Name{"2 Okt", 10},
           Name{"Sa, 2 Dez", 12},
           Name{"2. Oktober", 10},
           Name{"2 Dezember", 12},
           Name{"2 M\xC3\xA4rz", 3},
           Name{"2 M\xE4r", 3},
           Name{"2 Juni", 6},
           Name{"mar., 02 mai", 5},
           Name{"2 janv.", 1},
           Name{"2 f\xC3\xA9vr.", 2},
           Name{"2 f\xE9v", 2},
           Name{"2 avr", 4},
           Name{"2 juin", 6},
           Name{"2 juil.", 7},
           Name{"2 ao\xC3\xBBt", 8},
           Name{"2 ao\xFBt", 8},
           Name{"2 d\xC3\xA9"
                "c.",
                12},
           Name{"mar, 02 ene", 1},
           Name{"2 abr", 4},
           Name{"2 de agosto de", 8},
           Name{"2 sept.", 9},
           Name{"2 dic", 12},
           Name{"2 mars", 3},
       }) {
    const auto date = parse_date(std::string(c.text) + " 2006 10:00:00 +0200");
    ASSERT_TRUE(date) << c.text;
    EXPECT_EQ(format_iso(*date).substr(0, 10),
              "2006-" + std::string(c.month < 10 ? "0" : "") + std::to_string(c.month) + "-02")
        << c.text;
  }
  EXPECT_FALSE(parse_date("2 jui 2006"));  // June or July
  EXPECT_FALSE(
      parse_date("2006\xE5\xB9\xB4"
                 "1\xE6\x9C\x88"
                 "2\xE6\x97\xA5 15:04:05"));
}

TEST(Dates, AreWrittenAsTheyAreRead) {
  const Date date{kThen, 420, true};
  EXPECT_EQ(format_date(date), "Mon, 02 Jan 2006 15:04:05 +0700");
  EXPECT_EQ(format_iso(date), "2006-01-02T15:04:05+07:00");
  EXPECT_EQ(parse_date(format_date(date)), date);
  EXPECT_EQ(parse_date(format_iso(date)), date);
  EXPECT_EQ(format_date({kThen, 0, false}), "Mon, 02 Jan 2006 08:04:05 -0000");
  EXPECT_EQ(format_iso({kThen, 0, true}), "2006-01-02T08:04:05Z");
  EXPECT_EQ(format_date({kThen, -150, true}), "Mon, 02 Jan 2006 05:34:05 -0230");
}

}  // namespace
}  // namespace libsync::mime
