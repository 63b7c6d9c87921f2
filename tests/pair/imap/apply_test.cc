// What the IMAP replica changes on this program's own server: the same whatever the server has or lacks, and in few
// round trips.
#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "tests/pair/imap/pair.h"

namespace libsync::server {
namespace {

using sync::Action;
using sync::Did;
using sync::Op;

class Outcomes final : public sync::ActionSink {
 public:
  Status done(uint64_t token, const sync::Outcome& outcome) override {
    EXPECT_TRUE(of.emplace(token, outcome).second) << "done twice";
    return {};
  }
  Status durable() override { return {}; }
  std::map<uint64_t, sync::Outcome> of;
};

class PairImapApply : public PairImap {
 protected:
  PairImapApply() { client.writable = true; }

  void begin() {
    mail = std::make_shared<MemoryMail>();
    inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
    work = mail->make_folder({"work"});
    replica.reset();
    auto opened = open();
    ASSERT_TRUE(opened) << opened.error().text();
    replica = std::move(*opened);
    learn();
  }
  void learn() {
    boxes.clear();
    const auto listed = replica->mailboxes({});
    ASSERT_TRUE(listed) << listed.error().text();
    for (const auto& each : *listed) boxes[each.path] = each.id;
  }
  // Outcomes by token.
  std::map<uint64_t, sync::Outcome> apply(const std::vector<Action>& actions) {
    Outcomes outcomes;
    const Status status = replica->apply(actions, outcomes, {});
    EXPECT_TRUE(status) << status.error().text();
    EXPECT_EQ(outcomes.of.size(), actions.size());
    return outcomes.of;
  }
  sync::MsgRef ref(FolderId folder, uint32_t uid) {
    const auto facts = mail->folder(folder).value();
    return {.box = boxes[facts->path], .epoch = facts->uidvalidity, .key = {.number = uid}};
  }
  // "path: octets flags keywords", sorted; with empty folders, and what is subscribed to.
  std::vector<std::string> show() {
    std::vector<std::string> lines;
    const auto folders = mail->folders().value();
    for (const auto& folder : folders) {
      const std::string path = sync::encode_path(folder.path);
      lines.push_back(path + (folder.subscribed ? " subscribed" : ""));
      imap::SequenceSet all;
      all.add(1, UINT32_MAX);
      std::vector<MessageRow> rows;
      const Status read = mail->rows(folder.id, all, Want::Facts, [&](const MessageRow& row, const Columns&) {
        rows.push_back(row);
        return true;
      });
      EXPECT_TRUE(read);
      for (const auto& row : rows) {
        std::string shown = path + ": " + mail->read(row.content, 0, 100).value().substr(0, 20) + " ";
        shown += std::to_string(row.size) + " " + std::to_string(row.flags.system) + " " + std::to_string(row.date);
        for (const auto& keyword : row.flags.keywords) shown += " " + keyword;
        lines.push_back(shown);
      }
    }
    std::ranges::sort(lines);
    return lines;
  }

  // Everything that can be done, once. What is there then.
  std::vector<std::string> everything(const std::string& what);
  std::vector<Action> first_actions();
  void go_on(const sync::BoxId& play, const sync::BoxId& below, const std::string& what);
  Action on(Op op, uint64_t token, size_t i);  // a message of INBOX, and "work"

  std::vector<uint32_t> uids;
  sync::Flags flags{.system = sync::kSeen, .keywords = {"todo"}};
  std::vector<sync::StringSource> texts{sync::StringSource("A: small\n\nbody\n"),
                                        sync::StringSource("A: \xc3\xa4\n\nbody\n"),
                                        sync::StringSource("A: large\n\n" + std::string(1'500'000, 'x') + "\n"),
                                        sync::StringSource("A: middle\n\n" + std::string(9000, 'y'))};

  std::unique_ptr<sync::Replica> replica;
  std::map<sync::Path, sync::BoxId> boxes;
};

Action PairImapApply::on(Op op, uint64_t token, size_t i) {
  return {.token = token, .op = op, .ref = ref(inbox, uids[i]), .box = boxes[{"work"}]};
}

std::vector<Action> PairImapApply::first_actions() {
  std::vector<Action> actions;
  for (size_t i = 0; i < texts.size(); ++i) {
    actions.push_back({.token = i + 1, .op = Op::Add, .box = boxes[{"work"}], .add = flags, .date = 1'600'000'000});
    actions.back().content = &texts[i];
  }
  actions.push_back(on(Op::Flags, 5, 0));
  actions.back().add = flags;
  actions.push_back(on(Op::Flags, 6, 0));
  actions.back().del = {.system = sync::kSeen};
  for (const auto& [token, op] : {std::pair(7, Op::Copy), {8, Op::Copy}, {9, Op::Remove}, {10, Op::Remove}}) {
    actions.push_back(on(op, static_cast<uint64_t>(token), static_cast<size_t>(token) - 6));
  }
  actions.push_back({.token = 11, .op = Op::CreateBox, .path = {"New", "in"}, .subscribed = true});
  actions.push_back({.token = 12, .op = Op::CreateBox, .path = {"Bin"}, .role = sync::Role::Trash});
  actions.push_back({.token = 13, .op = Op::CreateBox, .path = {"work"}});
  actions.push_back({.token = 14, .op = Op::RenameBox, .box = boxes[{"work"}], .path = {"play"}});
  actions.push_back({.token = 15, .op = Op::DeleteBox, .box = boxes[{"INBOX"}]});
  return actions;
}

// What becomes of mailboxes by the ids that were told, and of messages that are gone.
void PairImapApply::go_on(const sync::BoxId& play, const sync::BoxId& below, const std::string& what) {
  std::vector<Action> actions{{.token = 16, .op = Op::DeleteBox, .box = play},
                              {.token = 17, .op = Op::DeleteBox, .box = below},
                              on(Op::Flags, 19, 3),
                              on(Op::Remove, 20, 3)};
  actions[2].add = flags;
  if (replica->capabilities().move) {
    actions.push_back(on(Op::Move, 18, 5));
    actions.back().box = play;
  } else {  // as the engine does it
    imap::SequenceSet one;
    one.add(uids[5]);
    EXPECT_TRUE(mail->move(inbox, one, work));
  }
  auto outcomes = apply(actions);
  EXPECT_EQ(outcomes[16].did, Did::NotEmpty) << what;
  EXPECT_EQ(outcomes[17].did, Did::Ok) << what << outcomes[17].words;
  EXPECT_EQ(outcomes[19].did, Did::Gone) << what;
  EXPECT_EQ(outcomes[20].did, Did::Gone) << what;
}

std::vector<std::string> PairImapApply::everything(const std::string& what) {
  begin();
  uids.clear();
  for (int i = 0; i < 8; ++i) {
    uids.push_back(mail->put(inbox, "S: " + std::to_string(i) + "\r\n\r\nx\r\n", {}, 1'000'000));
  }
  mail->put(inbox, "S: other\r\n\r\nx\r\n", {}, 1'000'000);
  for (sync::StringSource& text : texts) EXPECT_TRUE(text.rewind());
  auto outcomes = apply(first_actions());
  const bool uidplus = std::ranges::find(off, "UIDPLUS") == off.end();
  for (const uint64_t token : {1, 2, 3, 4, 7, 8}) {
    EXPECT_EQ(outcomes[token].did, uidplus ? Did::Ok : Did::OkNoRef) << what << " " << token << outcomes[token].words;
    EXPECT_EQ(outcomes[token].ref.key.number != 0, uidplus);
  }
  for (const uint64_t token : {5, 6, 9, 10, 11, 12, 14}) {
    EXPECT_EQ(outcomes[token].did, Did::Ok) << what << " " << token << " " << outcomes[token].words;
  }
  EXPECT_EQ(outcomes[6].flags, (sync::Flags{.system = 0, .keywords = {"todo"}})) << what;
  EXPECT_EQ(outcomes[13].did, Did::Exists) << what;
  EXPECT_EQ(outcomes[15].did, Did::Refused) << what;
  go_on(outcomes[14].box, outcomes[11].box, what);
  // The ids that were told are those of the next listing.
  learn();
  EXPECT_EQ(boxes[{"Bin"}], outcomes[12].box) << what;
  EXPECT_EQ(boxes[{"play"}], outcomes[14].box) << what;
  return show();
}

TEST_F(PairImapApply, DoesTheSameWhateverIsOff) {
  const auto expected = everything("all on");
  EXPECT_EQ(std::ranges::count_if(expected, [](const auto& each) { return each.starts_with("play: "); }), 7);
  EXPECT_TRUE(std::ranges::find(expected, "play: A: small\r\n\r\nbody\r\n 18 1 1600000000 todo") != expected.end())
      << expected[4];
  for (const auto& name : names()) {
    off = {name};
    EXPECT_EQ(everything(name + " off"), expected) << name;
  }
  for (const auto& poorer : std::vector<std::vector<std::string>>{{"LITERAL+", "LITERAL-", "IMAP4rev2"},
                                                                  {"UIDPLUS", "IMAP4rev2"},
                                                                  {"MOVE", "IMAP4rev2"},
                                                                  {"CONDSTORE", "QRESYNC"}}) {
    off = poorer;
    EXPECT_EQ(everything(poorer.front() + " off"), expected) << poorer.front();
  }
  off = names();
  EXPECT_EQ(everything("all off"), expected);
}

TEST_F(PairImapApply, AThousandFlagsTakeAtMostThreeRoundTrips) {
  begin();
  std::vector<Action> actions;
  for (uint32_t i = 0; i < 1000; ++i) {
    const uint32_t uid = mail->put(inbox, "S: 1\r\n\r\nx\r\n");
    mail->put(inbox, "S: not this\r\n\r\nx\r\n");
    actions.push_back({.token = i, .op = Op::Flags, .ref = ref(inbox, uid)});
    actions.back().add.system = i % 2 == 0 ? sync::kSeen : sync::kFlagged;
  }
  const uint64_t before = replica->cost().round_trips;
  const auto outcomes = apply(actions);
  EXPECT_LE(replica->cost().round_trips - before, 3U);
  EXPECT_TRUE(std::ranges::all_of(outcomes, [](const auto& each) {
    return each.second.did == Did::Ok &&
           each.second.flags->system == (each.first % 2 == 0 ? uint32_t{sync::kSeen} : uint32_t{sync::kFlagged});
  }));
}

TEST_F(PairImapApply, AThousandMovesTakeAtMostThreeRoundTrips) {
  begin();
  std::vector<Action> actions;
  for (uint32_t i = 0; i < 1000; ++i) {
    const uint32_t uid = mail->put(inbox, "S: 1\r\n\r\nx\r\n");
    mail->put(inbox, "S: not this\r\n\r\nx\r\n");
    actions.push_back({.token = i, .op = Op::Move, .ref = ref(inbox, uid), .box = boxes[{"work"}]});
  }
  const uint64_t before = replica->cost().round_trips;
  const auto outcomes = apply(actions);
  EXPECT_LE(replica->cost().round_trips - before, 3U);
  EXPECT_TRUE(std::ranges::all_of(outcomes, [](const auto& each) { return each.second.did == Did::Ok; }));
  EXPECT_EQ(mail->folder(work).value()->messages, 1000U);
  EXPECT_EQ(mail->folder(inbox).value()->messages, 1000U);
}

TEST_F(PairImapApply, AThousandMessagesTakeAtMostFourRoundTrips) {
  for (const auto& poorer : std::vector<std::vector<std::string>>{{}, {"MULTIAPPEND"}, {"LITERAL+"}}) {
    off = poorer;
    begin();
    std::vector<std::unique_ptr<sync::StringSource>> sources;
    std::vector<Action> actions;
    for (uint32_t i = 0; i < 1000; ++i) {
      sources.push_back(
          std::make_unique<sync::StringSource>("S: " + std::to_string(i) + "\n\n" + std::string(4000, 'x')));
      actions.push_back({.token = i, .op = Op::Add, .box = boxes[{"work"}]});
      actions.back().content = sources.back().get();
    }
    const uint64_t before = replica->cost().round_trips;
    const auto outcomes = apply(actions);
    EXPECT_LE(replica->cost().round_trips - before, 4U);
    uint64_t next = 0;
    for (const auto& [token, outcome] : outcomes) {
      EXPECT_EQ(outcome.did, Did::Ok) << outcome.words;
      EXPECT_EQ(outcome.ref.key.number, ++next);
    }
  }
}

TEST_F(PairImapApply, AMailThatMayNotBeChangedIsNot) {
  begin();
  mail = std::make_shared<MemoryMail>(MemoryMailOptions{.writable = Writable::Nothing});
  inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
  work = mail->make_folder({"work"});
  const uint32_t uid = mail->put(inbox, "S: 1\r\n\r\nx\r\n");
  replica = open().value();
  learn();
  sync::StringSource text("A: 1\n\nx");
  std::vector<Action> actions{{.token = 1, .op = Op::Flags, .ref = ref(inbox, uid), .add = {.system = sync::kSeen}},
                              {.token = 2, .op = Op::Remove, .ref = ref(inbox, uid)},
                              {.token = 3, .op = Op::Move, .ref = ref(inbox, uid), .box = boxes[{"work"}]},
                              {.token = 4, .op = Op::CreateBox, .path = {"New"}},
                              {.token = 5, .op = Op::Add, .box = boxes[{"INBOX"}]}};
  actions.back().content = &text;
  const auto before = show();
  for (const auto& [token, outcome] : apply(actions)) {
    EXPECT_TRUE(outcome.did == Did::ReadOnly || outcome.did == Did::Refused) << token << outcome.words;
  }
  EXPECT_EQ(show(), before);
}

// Each mailbox that something was done to is looked at, although STATUS said before that nothing is new there.
TEST_F(PairImapApply, WhatWasDoneIsReportedAsAnyOtherChange) {
  class Seen final : public sync::ChangeSink {
   public:
    Status open(const sync::BoxId& box, const sync::BoxState&) override {
      at = box;
      return {};
    }
    Status seen(const sync::MsgRef&, const sync::Facts&) override {
      ++of[at];
      return {};
    }
    Status vanished(const sync::BoxId&, uint64_t, const sync::Key&) override {
      ++of[at];
      return {};
    }
    Status present(const sync::BoxId&, std::span<const sync::KeyRange>) override { return {}; }
    Status close(const sync::BoxId& box, std::string_view next, uint64_t) override {
      cursors.push_back({.box = box, .cursor = std::string(next)});
      return {};
    }
    Status missing(const sync::BoxId&) override { return {}; }
    sync::BoxId at;
    std::map<sync::BoxId, int> of;
    std::vector<sync::BoxCursor> cursors;
  };
  for (const Op op : {Op::Add, Op::Copy, Op::Move, Op::Flags, Op::Remove}) {
    begin();
    const uint32_t uid = mail->put(inbox, "S: 1\r\n\r\nx\r\n");
    Seen before;
    ASSERT_TRUE(replica->changes(std::vector<sync::BoxCursor>{{boxes[{"INBOX"}]}, {boxes[{"work"}]}}, before, {}));
    learn();
    sync::StringSource text("A: 1\n\nx");
    Action action{.op = op, .ref = ref(inbox, uid), .box = boxes[{"work"}]};
    action.add.system = op == Op::Flags ? uint32_t{sync::kFlagged} : 0;
    action.content = &text;
    EXPECT_EQ(apply({action})[0].did, Did::Ok);
    Seen next;
    ASSERT_TRUE(replica->changes(before.cursors, next, {}));
    const int in_work = op == Op::Add || op == Op::Copy || op == Op::Move ? 1 : 0;
    EXPECT_EQ(next.of[boxes[{"work"}]], in_work) << static_cast<int>(op);
    EXPECT_EQ(next.of[boxes[{"INBOX"}]], op == Op::Add || op == Op::Copy ? 0 : 1) << static_cast<int>(op);
  }
}

// A connection that ends somewhere among the answers: what was told is true.
TEST_F(PairImapApply, WhatWasToldBeforeTheConnectionEndedIsSo) {
  using namespace std::chrono_literals;
  off = {"MULTIAPPEND"};
  size_t some = 0;
  for (uint64_t cut = 2000; cut < 9'000; cut += 61) {
    line.delay = 10ms;
    line.cut_in = {};
    begin();
    std::vector<std::unique_ptr<sync::StringSource>> sources;
    std::vector<Action> actions;
    for (uint32_t i = 0; i < 10; ++i) {
      sources.push_back(
          std::make_unique<sync::StringSource>("S: " + std::to_string(i) + "\n\n" + std::string(5000, 'x')));
      actions.push_back({.token = i, .op = Op::Add, .box = boxes[{"work"}]});
      actions.back().content = sources.back().get();
    }
    line.cut_in = cut;
    replica = open().value_or(nullptr);
    if (replica == nullptr) continue;
    Outcomes outcomes;
    (void)replica->apply(actions, outcomes, {});
    replica.reset();
    world.run_until(world.now() + 1min);
    EXPECT_LE(outcomes.of.size(), mail->folder(work).value()->messages) << cut;
    if (!outcomes.of.empty() && outcomes.of.size() < actions.size()) ++some;
  }
  EXPECT_GT(some, 0U) << "not every connection ended before or behind them";
}

}  // namespace
}  // namespace libsync::server
