#include "libsync/sync/plan.h"

#include <gtest/gtest.h>

#include "libsync/sync/fuse.h"
#include "libsync/sync/key_set.h"
#include "libsync/sync/path.h"
#include "libsync/sync/print.h"
#include "libsync/sync/resolve.h"

namespace libsync::sync {
namespace {

constexpr PairId kInbox = 1, kWork = 2, kArchive = 3, kTrash = 4;

FlagMask all_flags() { return {.system = kAllSystemFlags, .any_keyword = true}; }

Policy two_way() {
  Policy policy;
  policy.can = {Can::everything(), Can::everything()};
  return policy;
}
Policy mirror() { return mirror_policy({.folders = true, .flags = true}, Leave::Forever); }
Policy pop3() { return mirror_policy({}, Leave::Forever); }

PlanContext context(const Policy& policy) {
  return {
      .policy = policy, .is_trash = [](PairId id) { return id == kTrash; }, .mask = [](PairId) { return all_flags(); }};
}

// One side of a case: "-" not there any more, "." unchanged, else words: a mailbox (move) and flags.
Half half(const std::string& text) {
  Half half{.at = At::Bound, .pair = kInbox, .key = {7}, .flags = {.system = kSeen}};
  if (text == "-") half.at = At::Gone;
  if (text.find("work") != text.npos) half.pair = kWork;
  if (text.find("archive") != text.npos) half.pair = kArchive;
  if (text.find("trash") != text.npos) half.pair = kTrash;
  if (text.find("+flagged") != text.npos) half.flags.system |= kFlagged;
  if (text.find("-seen") != text.npos) half.flags.system &= ~kSeen;
  if (text.find("+answered") != text.npos) half.flags.system |= kAnswered;
  return half;
}

std::string show(const Decision& decision) {
  std::string out;
  for (const Planned& planned : decision.actions) {
    if (!out.empty()) out += ", ";
    const std::string side = planned.on == Side::A ? "A" : "B";
    switch (planned.op) {
      case Op::Add:
        out += "add " + side;
        break;
      case Op::Move:
        out += "move " + side + " " + std::to_string(planned.pair);
        break;
      case Op::Remove:
        out += "remove " + side;
        break;
      default:
        out += "flags " + side;
    }
  }
  if (!out.empty()) return out;
  switch (decision.standing) {
    case Standing::Agreed:
      return "agreed";
    case Standing::Forbidden:
      return "forbidden";
    case Standing::Held:
      return "held";
    case Standing::Forget:
      return "forget";
    case Standing::Wants:
      return "wants nothing";
  }
  return "";
}

struct Case {
  const char* a;
  const char* b;
  const char* planned;
};

void check(const Policy& policy, std::initializer_list<Case> cases) {
  for (const Case& each : cases) {
    Row row;
    row.agreed = true;
    row.home = kInbox;
    row.base = {.system = kSeen};
    row.half(Side::A) = half(each.a);
    row.half(Side::B) = half(each.b);
    EXPECT_EQ(show(plan_row(row, context(policy))), each.planned) << each.a << " | " << each.b;
  }
}

TEST(PlanRow, FollowsTheTableInBothDirections) {
  check(two_way(), {
                       {".", ".", "agreed"},
                       {"+flagged", ".", "flags B"},
                       {".", "+flagged", "flags A"},
                       {"+flagged", "-seen", "flags A, flags B"},
                       {"+flagged", "+flagged", "agreed"},
                       {"work", ".", "move B 2"},
                       {".", "work", "move A 2"},
                       {"work", "+flagged", "flags A, move B 2"},
                       {"work", "work", "agreed"},
                       {"work", "archive", "move B 2"},
                       {"trash", "archive", "move A 3"},
                       {"work", "trash", "move B 2"},
                       {"-", ".", "remove B"},
                       {".", "-", "remove A"},
                       {"-", "+answered", "remove B"},
                       {"-", "+flagged", "add A"},
                       {"+flagged", "-", "add B"},
                       {"-", "work", "add A"},
                       {"work", "-", "add B"},
                       {"-", "-", "forget"},
                   });
}

TEST(PlanRow, AMirrorFollowsTheServerAndNeverTouchesIt) {
  check(mirror(), {
                      {".", ".", "agreed"},
                      {"+flagged", ".", "flags B"},
                      {".", "+flagged", "flags B"},
                      {"work", ".", "move B 2"},
                      {"work", "archive", "move B 2"},
                      {"-", ".", "remove B"},
                      {".", "-", "forbidden"},
                      {"-", "+flagged", "forbidden"},
                      {"-", "-", "forget"},
                  });
}

TEST(PlanRow, AMirrorThatKeepsItsOwnFlagsTakesWhatTheServerChanged) {
  Policy policy = mirror();
  policy.keeps_flags = true;
  check(policy, {
                    {".", ".", "agreed"},
                    {"+flagged", ".", "flags B"},
                    {".", "+flagged", "forbidden"},
                    {"+answered", "+flagged", "flags B"},
                    {"+flagged", "+flagged", "agreed"},
                    {"work", "+flagged", "move B 2"},
                    {"-", "+flagged", "forbidden"},
                });
}

// What came from the server and goes there again goes here too, beside what is one's own.
TEST(PlanRow, FlagsOfTheServersComeAndGoBesideOnesOwn) {
  Policy policy = mirror();
  policy.keeps_flags = true;
  const PlanContext with = context(policy);
  Row row;
  row.agreed = true;
  row.home = kInbox;
  row.base = {.system = kSeen};
  row.half(Side::A) = half("+answered");
  row.half(Side::B) = half("+flagged");
  const auto follow = [&] {
    for (const Planned& planned : plan_row(row, with).actions) {
      Flags& flags = row.half(planned.on).flags;
      flags.system = (flags.system | planned.add.system) & ~planned.del.system;
    }
    settle(row, with);
  };
  follow();
  EXPECT_EQ(row.half(Side::B).flags.system, kSeen | kFlagged | kAnswered);
  EXPECT_FALSE(row.dirty);
  row.half(Side::A).flags.system = 0;
  follow();
  EXPECT_EQ(row.half(Side::B).flags.system, kFlagged);
  EXPECT_EQ(row.half(Side::A).flags.system, 0U);
}

TEST(PlanRow, Pop3KeepsWhatLeftTheServer) {
  check(pop3(), {{"-", ".", "forbidden"}, {".", "-", "forbidden"}, {"-", "-", "forget"}});
}

TEST(PlanRow, AMessageOnOneSideOnlyIsAddedToTheOther) {
  const Policy policy = two_way();
  Row row;
  row.half(Side::A) = half("+flagged");
  Decision decision = plan_row(row, context(policy));
  ASSERT_EQ(show(decision), "add B");
  EXPECT_EQ(decision.actions[0].add.system, kSeen | kFlagged);
  EXPECT_EQ(decision.actions[0].pair, kInbox);
  std::swap(row.half(Side::A), row.half(Side::B));
  EXPECT_EQ(show(plan_row(row, context(policy))), "add A");
  EXPECT_EQ(show(plan_row(row, context(mirror()))), "forbidden");
}

TEST(PlanRow, WhatLostItsKeyIsHeld) {
  const Policy policy = two_way();
  Row row;
  row.agreed = true;
  row.home = kInbox;
  row.half(Side::A) = half(".");
  row.half(Side::B) = half(".");
  row.half(Side::A).at = At::Unbound;
  EXPECT_EQ(show(plan_row(row, context(policy))), "held");
}

TEST(PlanRow, ARefusedSideIsNotAskedAgain) {
  const Policy policy = two_way();
  Row row;
  row.agreed = true;
  row.home = kInbox;
  row.half(Side::A) = half("work");
  row.half(Side::B) = half(".");
  row.half(Side::B).blocked = Refusal{.ops = Refusal::bit(Op::Move), .until = 1000, .words = "NO"};
  PlanContext then = context(policy);
  then.now = 999;
  EXPECT_EQ(show(plan_row(row, then)), "held");
  then.now = 1000;
  const std::string again = show(plan_row(row, then));
  EXPECT_NE(again, "held") << "another day";
  row.half(Side::B).blocked->ops = Refusal::bit(Op::Flags);
  then.now = 0;
  EXPECT_EQ(show(plan_row(row, then)), again) << "something else was refused";
}

TEST(PlanRow, FlagsThatOneSideCannotStoreStayWhereTheyAre) {
  const Policy policy = two_way();
  PlanContext limited = context(policy);
  limited.mask = [](PairId) { return FlagMask{.system = kSeen}; };
  Row row;
  row.agreed = true;
  row.home = kInbox;
  row.base = {.system = kSeen};
  row.half(Side::A) = half(".");
  row.half(Side::B) = half("+flagged");
  EXPECT_EQ(show(plan_row(row, limited)), "agreed");
}

TEST(Settle, AgreesWhenBothSidesShowTheSame) {
  const Policy policy = mirror();
  Row row;
  row.half(Side::A) = half("+flagged");
  row.half(Side::B) = half("+flagged");
  settle(row, context(policy));
  EXPECT_TRUE(row.agreed);
  EXPECT_FALSE(row.dirty);
  EXPECT_EQ(row.home, kInbox);
  EXPECT_EQ(row.base.system, kSeen | kFlagged);
  row.half(Side::A).flags.system = 0;
  settle(row, context(policy));
  EXPECT_TRUE(row.dirty);
}

TEST(Merge, TakesEachFlagFromTheSideThatChangedIt) {
  Flags base{.system = kSeen | kDraft};
  base.add_keyword("Work");
  base.add_keyword("old");
  Flags a{.system = kSeen | kDraft | kFlagged};
  a.add_keyword("work");
  a.add_keyword("new-a");
  Flags b{.system = kDraft | kAnswered};
  b.add_keyword("Work");
  b.add_keyword("old");
  b.add_keyword("new-b");
  const Flags merged = merge(base, a, b);
  EXPECT_EQ(merged.system, kDraft | kFlagged | kAnswered);
  EXPECT_EQ(merged.keywords, (std::vector<std::string>{"new-a", "new-b", "work"}));
}

TEST(Fuse, HoldsOnlyWhatIsBothManyAndMuch) {
  const FusePolicy policy;
  EXPECT_TRUE(held_by_fuse({{1, {.removals = 20, .messages = 20}}}, policy).empty());
  EXPECT_EQ(held_by_fuse({{1, {.removals = 21, .messages = 80}}}, policy), std::set<PairId>{1});
  EXPECT_TRUE(held_by_fuse({{1, {.removals = 21, .messages = 84}}}, policy).empty());
  EXPECT_TRUE(held_by_fuse({{1, {.removals = 900, .messages = 900, .exempt = true}}}, policy).empty());
}

TEST(Fuse, RemembersWhatWentInTheLastDays) {
  const FusePolicy policy;
  // Ten a night look harmless; the third night they are a quarter of what was there.
  EXPECT_TRUE(held_by_fuse({{1, {.removals = 10, .recent = 10, .messages = 90}}}, policy).empty());
  EXPECT_FALSE(held_by_fuse({{1, {.removals = 10, .recent = 20, .messages = 80}}}, policy).empty());
}

TEST(Fuse, WeighsTheAccountAsAWhole) {
  // Five mailboxes that each lose little, and together everything.
  std::map<PairId, FuseCount> counts;
  for (PairId id = 1; id <= 5; ++id) counts[id] = {.removals = 10, .messages = 10};
  EXPECT_EQ(held_by_fuse(counts, {}).size(), 5U);
  EXPECT_TRUE(held_by_fuse(counts, {.allow = 50}).empty());
  EXPECT_EQ(held_by_fuse(counts, {.allow = 49}).size(), 5U);
}

Row fresh_row(RowId id, uint64_t uid, Id object, Id print, Id instance = {}) {
  Row row;
  row.id = id;
  row.half(Side::A) = {.at = At::Bound, .pair = kWork, .key = {uid}, .instance = std::move(instance)};
  row.size = 100;
  row.object = std::move(object);
  row.print = std::move(print);
  return row;
}
Row lost_row(RowId id, Id object, Id print, Id instance = {}) {
  Row row = fresh_row(id, 0, std::move(object), std::move(print), std::move(instance));
  row.half(Side::A).at = At::Unbound;
  return row;
}

TEST(Resolve, MatchesByInstanceThenObjectThenPrint) {
  const std::vector<Row> fresh{fresh_row(1, 5, "o1", "p1", "i9"), fresh_row(2, 6, "o2", "p2"),
                               fresh_row(3, 7, "", "p3")};
  const std::vector<Row> lost{lost_row(11, "o2", "px"), lost_row(12, "", "p3"), lost_row(13, "o7", "p7", "i9")};
  const auto bindings = resolve(Side::A, fresh, lost);
  ASSERT_EQ(bindings.size(), 3U);
  EXPECT_EQ(bindings[0].fresh, 1);
  EXPECT_EQ(bindings[0].known, 13);
  EXPECT_EQ(bindings[1].known, 11);
  EXPECT_FALSE(bindings[1].by_print);
  EXPECT_EQ(bindings[2].known, 12);
  EXPECT_TRUE(bindings[2].by_print);
}

TEST(Resolve, LeavesAnUnevenPrintAlone) {
  const std::vector<Row> fresh{fresh_row(1, 5, "", "p"), fresh_row(2, 6, "", "p")};
  EXPECT_TRUE(resolve(Side::A, fresh, std::vector<Row>{lost_row(11, "", "p")}).empty());
  EXPECT_EQ(resolve(Side::A, fresh, std::vector<Row>{lost_row(11, "", "p"), lost_row(12, "", "p")}).size(), 2U);
}

TEST(Resolve, KnowsAKeyThatCameBackInTheSameEpoch) {
  Row fresh = fresh_row(1, 5, "", "");
  Row gone = fresh_row(11, 5, "", "");
  gone.half(Side::A).at = At::Gone;
  EXPECT_EQ(resolve(Side::A, std::vector<Row>{fresh}, std::vector<Row>{gone}).size(), 1U);
  gone.size = 101;  // a key given to other mail
  EXPECT_TRUE(resolve(Side::A, std::vector<Row>{fresh}, std::vector<Row>{gone}).empty());
}

TEST(KeySet, KeepsNumbersAsRanges) {
  KeySet set;
  set.add_range(1, 4294967295);
  EXPECT_TRUE(set.contains({4294967295}));
  EXPECT_FALSE(set.contains({4294967296}));
  KeySet odd;
  for (uint64_t i : {5, 3, 4, 9, 7, 8, 5}) odd.add({i});
  EXPECT_EQ(odd.size(), 6U);
  EXPECT_TRUE(odd.contains({3}) && odd.contains({5}) && odd.contains({7}) && odd.contains({9}));
  EXPECT_FALSE(odd.contains({2}) || odd.contains({6}) || odd.contains({10}));
  odd.add_range(1, 20);
  EXPECT_EQ(odd.size(), 20U);
}

TEST(KeySet, KnowsNames) {
  KeySet set;
  set.add({0, "uidl-a"});
  set.add({0, "uidl-b"});
  set.add({0, "uidl-a"});
  EXPECT_EQ(set.size(), 2U);
  EXPECT_TRUE(set.contains({0, "uidl-b"}));
  EXPECT_FALSE(set.contains({0, "uidl-c"}));
}

TEST(PathText, GivesBackTheComponents) {
  for (const Path& path :
       {Path{"INBOX"}, Path{"a/b", "..", "c%2Fd"}, Path{"收件箱", "x\ny"}, Path{""}, Path{"a", ""}}) {
    EXPECT_EQ(decode_path(encode_path(path)), path);
  }
  EXPECT_EQ(encode_path({"a/b", "c"}), "a%2Fb/c");
}

TEST(PathText, TellsInboxAndWhatIsBelow) {
  EXPECT_TRUE(is_inbox({"INBOX"}));
  EXPECT_TRUE(is_inbox({"inbox"}));
  EXPECT_FALSE(is_inbox({"INBOX", "Sub"}));
  EXPECT_FALSE(is_inbox({}));
  EXPECT_TRUE(has_prefix({"a", "b"}, {"a"}));
  EXPECT_FALSE(has_prefix({"a"}, {"a"}));
  EXPECT_FALSE(has_prefix({"ab", "b"}, {"a"}));
}

TEST(PathText, IsPlainWithoutControlCharactersAndInUtf8) {
  EXPECT_TRUE(is_plain({"报表", "a/b %"}));
  EXPECT_FALSE(is_plain({}));
  for (const char* component : {"", "a\nb", "\x1B[2J", "\x7F", "\xFF", "\xC3"}) {
    EXPECT_FALSE(is_plain({component})) << component;
    EXPECT_FALSE(is_plain({"good", component})) << component;
  }
}

TEST(Print, IsTheSameForTopAndRetr) {
  const std::string message = "From: a\r\nSubject: b \r\n\r\nbody\r\n";
  const std::string top = "From: a\nSubject: b\n\n";
  EXPECT_EQ(print_of_message(message), print_of(top, message.size()));
  EXPECT_NE(print_of_message(message), print_of(top, message.size() + 1));
  PrintBuilder builder;
  for (const char c : message) builder.update({&c, 1});
  EXPECT_EQ(builder.finish(), print_of_message(message));
}

}  // namespace
}  // namespace libsync::sync
