// The IMAP replica against a server that does wrong what a script says: the next sync makes everything good.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/pair/imap/pair.h"

namespace libsync::server {
namespace {

class PairImapFaults : public PairImap {
 protected:
  static FaultScript script(const std::string& text) {
    const auto parsed = parse_fault_script(text);
    EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().text());
    return parsed.value_or(FaultScript{});
  }

  // A sync while the script holds, of a mailbox that is new or, with `later`, changed since the last; then one without.
  // What both mirrors show in the end.
  std::vector<std::string> spoiled(const std::string& text, bool later) {
    first.clear();
    fill();
    Local local;
    if (later) {
      EXPECT_TRUE(run(local).status);
      before = local.show();
      change();
    }
    faults = script(text);
    last = run(local);
    faults.clear();
    const Ran next = run(local);
    EXPECT_TRUE(next.status) << text << ": " << (next.status ? "" : next.status.error().text());
    return local.show();
  }

  // Nothing is missing, and nothing is there that is not expected; but a server that numbers anew may have removed
  // what was there before, and nobody can tell: that is held (docs/hostile.md).
  void expect_whole(const std::string& text, bool later, const std::vector<std::string>& expected) {
    const auto found = spoiled(text, later);
    const std::string what = text + (later ? ", later, " : ", ") + std::to_string(off.size()) + " off";
    EXPECT_EQ(only_in(expected, found), "") << what << ": missing";
    auto may_be = expected;
    if (text.find("uidvalidity") != text.npos) may_be.insert(may_be.end(), before.begin(), before.end());
    std::ranges::sort(may_be);
    EXPECT_EQ(only_in(found, may_be), "") << what << ": not expected";
  }

  std::vector<std::string> before;  // the last sync with a fault
  Ran last;
};

// What can be done to an answer. What passes (a delay) must not harm; the rest may end the sync, with one line.
constexpr const char* kFaults[] = {"cut",         "cut 10",          "cut 200",           "truncate 0",
                                   "truncate 10", "truncate 200",    "answer NO no",      "answer BAD no",
                                   "answer OK",   "answer * BYE no", "answer * OK what",  "answer + go on",
                                   "lie size +1", "lie size -1",     "die before",        "die after",
                                   "delay 50s",   "delay 3600s",     "lie uidvalidity +1"};

TEST_F(PairImapFaults, WhateverAnswerIsWrongTheNextSyncIsWhole) {
  for (const bool later : {false, true}) {
    const auto expected = spoiled("", later);
    ASSERT_TRUE(last.status);
    ASSERT_EQ(expected.size(), later ? 10U : 12U);
    for (const char* fault : kFaults) {
      size_t failed = 0;
      for (int nth = 1; nth <= 16; ++nth) {
        const std::string text = "on * " + std::to_string(nth) + " " + fault;
        expect_whole(text, later, expected);
        failed += last.status ? 0 : 1;
        if (!last.status) {
          EXPECT_EQ(last.status.error().text().find('\n'), std::string::npos) << text;
        }
      }
      const std::string_view what = fault;
      if (what == "cut" || what == "die before" || what == "answer * BYE no") {
        EXPECT_GE(failed, 5U) << what;
      }
      if (what == "delay 50s" || what.starts_with("lie size")) {
        EXPECT_EQ(failed, 0U) << what;
      }
    }
  }
}

TEST_F(PairImapFaults, AServerThatNumbersAnewInTheMiddleLosesAndDoublesNothing) {
  const auto expected = spoiled("", true);
  for (const char* text :
       {"on SELECT lie uidvalidity +1", "on EXAMINE lie uidvalidity +1", "on LIST lie uidvalidity +1",
        "on STATUS lie uidvalidity +1", "on EXAMINE 2 lie uidvalidity +1"}) {
    for (const auto& poorer : std::vector<std::vector<std::string>>{{}, {"OBJECTID"}, names()}) {
      off = poorer;
      expect_whole(text, true, expected);
    }
  }
}

}  // namespace
}  // namespace libsync::server
