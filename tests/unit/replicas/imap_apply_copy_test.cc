// apply() of an IMAP account: copies and moves, and what COPYUID may say of them.
#include "tests/unit/replicas/imap_apply_script.h"

namespace libsync::replicas {
namespace {

// COPY of 3, 4 and 5, answered so.
std::string copied(const std::string& answer, const std::string& then = {}) {
  Writing w("UIDPLUS", std::string(kInbox) + "C: T7 UID COPY 3:5 Old\n" + answer + then);
  const std::string told = w.apply({place(Op::Copy, 1, 4), place(Op::Copy, 2, 3), place(Op::Copy, 3, 5)});
  EXPECT_TRUE(w.finished()) << w.opened.channel->sent();
  return told;
}

std::string moved(const std::string& answer) {
  Writing w("UIDPLUS MOVE", std::string(kInbox) + "C: T7 UID MOVE 3:5 Old\n" + answer);
  const std::string told = w.apply({place(Op::Move, 1, 4), place(Op::Move, 2, 3), place(Op::Move, 3, 5)});
  EXPECT_TRUE(w.finished()) << w.opened.channel->sent();
  return told;
}

TEST(ImapCopying, CopyuidTellsWhereEachIsInTheOrderOfItsSets) {
  EXPECT_EQ(copied("S: T7 OK [COPYUID 8 3:5 20:22] done\n"), "1:ok=Old/8/21 2:ok=Old/8/20 3:ok=Old/8/22");
  EXPECT_EQ(copied("S: T7 OK [COPYUID 8 5,3:4 20,30:31] done\n"), "1:ok=Old/8/31 2:ok=Old/8/30 3:ok=Old/8/20");
  EXPECT_EQ(copied("S: * OK [COPYUID 8 3:5 20:22] untagged\nS: T7 OK done\n"),
            "1:ok=Old/8/21 2:ok=Old/8/20 3:ok=Old/8/22");
  EXPECT_EQ(moved("S: * OK [COPYUID 8 3,5 20:21]\nS: * OK [COPYUID 8 4 22]\nS: * 1 EXPUNGE\nS: T7 OK done\n"),
            "1:ok=Old/8/22 2:ok=Old/8/20 3:ok=Old/8/21");
  EXPECT_EQ(moved("S: * OK [COPYUID 8 3:5 20:22]\nS: T7 OK [COPYUID 8 3:5 20:22] twice the same\n"),
            "1:ok=Old/8/21 2:ok=Old/8/20 3:ok=Old/8/22");
}

TEST(ImapCopying, AnswersOutOfOrderAreEachTheirOwn) {
  Writing w("UIDPLUS MOVE", std::string(kInbox) +
                                "C: T7 UID MOVE 3 INBOX\nC: T8 UID MOVE 4 Old\n"
                                "S: * OK [COPYUID 5 3 20]\nS: * OK [COPYUID 8 4 30]\n"
                                "S: T8 OK\nS: T7 OK\n");
  EXPECT_EQ(w.apply({place(Op::Move, 1, 3, "INBOX"), place(Op::Move, 2, 4)}), "1:ok=INBOX/5/20 2:ok=Old/8/30");
}

TEST(ImapCopying, ACopyuidThatCantBeLeavesItUnknown) {
  for (const char* code :
       {"8 3:5 20:21", "8 3:5 20:23", "8 3:6 20:23", "8 2:4 20:22", "8 3,3,4 20:22", "8 3:5 20,20,21", "0 3:5 20:22",
        "4294967296 3:5 20:22", "8 3:5", "8 3:4294967295 1:4294967293", "8 3:* 20:22", "8 0,3:5 20:23", "8 3:5,, 20:22",
        "x 3:5 20:22", "8 a b", ""}) {
    const std::string all = "1:unknown 2:unknown 3:unknown";
    EXPECT_EQ(copied("S: T7 OK [COPYUID " + std::string(code) + "] done\n"), all) << code;
    EXPECT_EQ(moved("S: * OK [COPYUID " + std::string(code) + "] done\nS: T7 OK\n"), all) << code;
  }
  EXPECT_EQ(moved("S: * OK [COPYUID 8 3:5 20:22]\nS: T7 OK [COPYUID 8 3:5 30:32] another\n"),
            "1:unknown 2:unknown 3:unknown");
}

TEST(ImapCopying, WhatCopyuidDoesNotNameIsGoneOrUnknown) {
  const std::string look = "C: T8 UID SEARCH UID 5\n";
  EXPECT_EQ(copied("S: T7 OK [COPYUID 8 3:4 20:21] done\n", look + "S: * SEARCH\nS: T8 OK\n"),
            "1:ok=Old/8/21 2:ok=Old/8/20 3:gone");
  EXPECT_EQ(copied("S: T7 OK [COPYUID 8 3:4 20:21] done\n", look + "S: * SEARCH 5\nS: T8 OK\n"),
            "1:ok=Old/8/21 2:ok=Old/8/20 3:unknown");
  EXPECT_EQ(copied("S: T7 OK done\n", "C: T8 UID SEARCH UID 3:5\nS: * SEARCH 3 4\nS: T8 OK\n"),
            "1:noref 2:noref 3:gone")
      << "UIDs there do not last";
  EXPECT_EQ(copied("S: T7 OK done\n", "C: T8 UID SEARCH UID 3:5\nS: T8 NO\n"), "1:unknown 2:unknown 3:unknown");
  EXPECT_EQ(moved("S: * OK [COPYUID 8 3:4 20:21]\nS: T7 OK\n"), "1:ok=Old/8/21 2:ok=Old/8/20 3:unknown");
  EXPECT_EQ(moved("S: T7 OK did nothing\n"), "1:unknown 2:unknown 3:unknown");
}

TEST(ImapCopying, WithoutUidplusWhatIsThereTells) {
  Writing copy("", std::string(kInbox) +
                       "C: T7 UID SEARCH UID 3:4\nC: T8 UID COPY 3:4 Old\n"
                       "S: * SEARCH 4\nS: T7 OK\nS: T8 OK\n");
  EXPECT_EQ(copy.apply({place(Op::Copy, 1, 3), place(Op::Copy, 2, 4)}), "1:gone 2:noref");
  Writing move("MOVE", std::string(kInbox) +
                           "C: T7 UID SEARCH UID 3:5\nC: T8 UID MOVE 3:5 Old\n"
                           "S: * SEARCH 4 5\nS: T7 OK\nS: T8 OK\nC: T9 UID SEARCH UID 3:5\n"
                           "S: * SEARCH 5\nS: T9 OK\n");
  EXPECT_EQ(move.apply({place(Op::Move, 1, 3), place(Op::Move, 2, 4), place(Op::Move, 3, 5)}),
            "1:gone 2:noref 3:refused");
}

TEST(ImapCopying, WithoutMoveTheEngineCopiesAndRemoves) {
  Writing w("UIDPLUS", "");
  EXPECT_EQ(w.apply({place(Op::Move, 1, 3)}), "1:refused");
}

TEST(ImapCopying, ATargetThatIsNotThereIsNotThereForAny) {
  EXPECT_EQ(copied("S: T7 NO [TRYCREATE] no such folder\n"), "1:nobox 2:nobox 3:nobox");
  EXPECT_EQ(copied("S: T7 NO [NONEXISTENT] no such folder\n"), "1:nobox 2:nobox 3:nobox");
  EXPECT_EQ(moved("S: T7 NO [INUSE] later\n"), "1:retry 2:retry 3:retry");
  Writing w("UIDPLUS", std::string(kInbox) + "C: T7 UID COPY 3 Nowhere\nS: T7 NO [TRYCREATE] what\n");
  EXPECT_EQ(w.apply({place(Op::Copy, 1, 3, "Nowhere")}), "1:nobox");
  EXPECT_EQ(w.done.of[1].words, "[TRYCREATE] what");
}

TEST(ImapCopying, ARefusalIsNarrowedDownAndAMoveDoneInPartStaysDone) {
  EXPECT_EQ(
      copied("S: T7 NO one is too large\n",
             "C: T8 UID COPY 3 Old\nC: T9 UID COPY 4:5 Old\nS: T8 OK [COPYUID 8 3 20]\nS: T9 NO [OVERQUOTA] full\n"
             "C: T10 UID COPY 4 Old\nC: T11 UID COPY 5 Old\nS: T10 NO [OVERQUOTA] full\nS: T11 OK [COPYUID 8 5 21]\n"),
      "1:quota 2:ok=Old/8/20 3:ok=Old/8/21");
  EXPECT_EQ(moved("S: * OK [COPYUID 8 3 20]\nS: * 1 EXPUNGE\nS: T7 NO no more of them\n"
                  "C: T8 UID MOVE 4 Old\nC: T9 UID MOVE 5 Old\nS: * OK [COPYUID 8 4 21]\nS: T8 OK\nS: T9 NO no\n"),
            "1:ok=Old/8/21 2:ok=Old/8/20 3:refused");
}

TEST(ImapCopying, EachTargetHasItsSetAndTheSameTwiceComesTwice) {
  Writing w("UIDPLUS", std::string(kInbox) +
                           "C: T7 UID COPY 3 INBOX\nC: T8 UID COPY 4 Old\n"
                           "S: T7 OK [COPYUID 5 3 20]\nS: T8 OK [COPYUID 8 4 30]\n"
                           "C: T9 UID COPY 3 Old\nS: T9 OK [COPYUID 8 3 31]\n");
  EXPECT_EQ(w.apply({place(Op::Copy, 1, 3, "INBOX"), place(Op::Copy, 2, 4), place(Op::Copy, 3, 3)}),
            "1:ok=INBOX/5/20 2:ok=Old/8/30 3:ok=Old/8/31");
}

TEST(ImapCopying, ALostConnectionLeavesWhatHasNoAnswerWithoutOne) {
  Writing w("UIDPLUS", std::string(kInbox) +
                           "C: T7 UID COPY 3 INBOX\nC: T8 UID COPY 4 Old\n"
                           "S: T7 OK [COPYUID 5 3 20]\nCUT\n");
  const std::string told = w.apply({place(Op::Copy, 1, 3, "INBOX"), place(Op::Copy, 2, 4)});
  EXPECT_TRUE(told.starts_with("1:ok=INBOX/5/20 !")) << told;
}

}  // namespace
}  // namespace libsync::replicas
