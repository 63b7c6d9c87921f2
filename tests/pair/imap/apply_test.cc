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
        std::string line = path + ": " + mail->read(row.content, 0, 100).value().substr(0, 20) + " ";
        line += std::to_string(row.size) + " " + std::to_string(row.flags.system) + " " + std::to_string(row.date);
        for (const auto& keyword : row.flags.keywords) line += " " + keyword;
        lines.push_back(line);
      }
    }
    std::ranges::sort(lines);
    return lines;
  }

  // Everything that can be done, once. What is there then.
  std::vector<std::string> everything(const std::string& what);

  std::unique_ptr<sync::Replica> replica;
  std::map<sync::Path, sync::BoxId> boxes;
};

std::vector<std::string> PairImapApply::everything(const std::string& what) {
  begin();
  std::vector<uint32_t> uids;
  for (int i = 0; i < 8; ++i)
    uids.push_back(mail->put(inbox, "S: " + std::to_string(i) + "\r\n\r\nx\r\n", {}, 1'000'000));
  mail->put(inbox, "S: other\r\n\r\nx\r\n", {}, 1'000'000);
  sync::Flags flags{.system = sync::kSeen};
  flags.add_keyword("todo");
  sync::StringSource small("A: small\n\nbody\n"), eight("A: \xc3\xa4\n\nbody\n"),
      large("A: large\n\n" + std::string(1'500'000, 'x') + "\n"), middle("A: middle\n\n" + std::string(9000, 'y'));
  const auto add = [&](uint64_t token, sync::ContentSource& content) {
    Action action{.token = token, .op = Op::Add, .box = boxes[{"work"}], .add = flags, .date = 1'600'000'000};
    action.content = &content;
    return action;
  };
  const auto at = [&](Op op, uint64_t token, int i) {
    return Action{.token = token, .op = op, .ref = ref(inbox, uids[i]), .box = boxes[{"work"}]};
  };
  Action store = at(Op::Flags, 5, 0), twice = at(Op::Flags, 6, 0);
  store.add = flags;
  twice.del = {.system = sync::kSeen};
  auto outcomes = apply({add(1, small),
                         add(2, eight),
                         add(3, large),
                         add(4, middle),
                         store,
                         twice,
                         at(Op::Copy, 7, 1),
                         at(Op::Copy, 8, 2),
                         at(Op::Remove, 9, 3),
                         at(Op::Remove, 10, 4),
                         {.token = 11, .op = Op::CreateBox, .path = {"New", "in"}, .subscribed = true},
                         {.token = 12, .op = Op::CreateBox, .path = {"Bin"}, .role = sync::Role::Trash},
                         {.token = 13, .op = Op::CreateBox, .path = {"work"}},
                         {.token = 14, .op = Op::RenameBox, .box = boxes[{"work"}], .path = {"play"}},
                         {.token = 15, .op = Op::DeleteBox, .box = boxes[{"INBOX"}]}});
  for (const uint64_t token : {1, 2, 3, 4, 7, 8}) {
    const bool uidplus = std::ranges::find(off, "UIDPLUS") == off.end();
    EXPECT_EQ(outcomes[token].did, uidplus ? Did::Ok : Did::OkNoRef) << what << " " << token << outcomes[token].words;
    if (uidplus) EXPECT_NE(outcomes[token].ref.key.number, 0U);
  }
  for (const uint64_t token : {5, 6, 9, 10, 11, 12, 14}) {
    EXPECT_EQ(outcomes[token].did, Did::Ok) << what << " " << token << " " << outcomes[token].words;
  }
  EXPECT_EQ(outcomes[6].flags, (sync::Flags{.system = 0, .keywords = {"todo"}})) << what;
  EXPECT_EQ(outcomes[13].did, Did::Exists) << what;
  EXPECT_EQ(outcomes[15].did, Did::Refused) << what;
  // The ids that were told are those of the next listing.
  std::map<sync::Path, sync::BoxId> told{
      {{"Bin"}, outcomes[12].box}, {{"play"}, outcomes[14].box}, {{"New", "in"}, outcomes[11].box}};
  const Action full{.token = 16, .op = Op::DeleteBox, .box = outcomes[14].box};
  const Action empty{.token = 17, .op = Op::DeleteBox, .box = outcomes[11].box};
  Action move = at(Op::Move, 18, 5), away = at(Op::Flags, 19, 3);
  move.box = outcomes[14].box;
  away.add = flags;
  std::vector<Action> more{full, empty, away, at(Op::Remove, 20, 3)};
  if (replica->capabilities().move) more.push_back(move);
  outcomes = apply(more);
  EXPECT_EQ(outcomes[16].did, Did::NotEmpty) << what;
  EXPECT_EQ(outcomes[17].did, Did::Ok) << what << outcomes[17].words;
  EXPECT_EQ(outcomes[19].did, Did::Gone) << what;
  EXPECT_EQ(outcomes[20].did, Did::Gone) << what;
  if (!replica->capabilities().move)
    EXPECT_TRUE(mail->move(
        inbox,
        [&] {
          imap::SequenceSet set;
          set.add(uids[5]);
          return set;
        }(),
        mail->folders().value().back().id))
        << "as the engine does it";
  learn();
  EXPECT_EQ(boxes[{"Bin"}], told[{"Bin"}]) << what;
  EXPECT_EQ(boxes[{"play"}], told[{"play"}]) << what;
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

// A slow line, and a connection that ends somewhere: what was told is true.
TEST_F(PairImapApply, WhatWasToldBeforeTheConnectionEndedIsSo) {
  using namespace std::chrono_literals;
  for (uint64_t cut = 2000; cut < 60'000; cut += 3701) {
    line.delay = 10ms;
    line.cut_out = {};
    begin();
    std::vector<std::unique_ptr<sync::StringSource>> sources;
    std::vector<Action> actions;
    for (uint32_t i = 0; i < 10; ++i) {
      sources.push_back(
          std::make_unique<sync::StringSource>("S: " + std::to_string(i) + "\n\n" + std::string(5000, 'x')));
      actions.push_back({.token = i, .op = Op::Add, .box = boxes[{"work"}]});
      actions.back().content = sources.back().get();
    }
    line.cut_out = cut;
    replica = open().value_or(nullptr);
    if (replica == nullptr) continue;
    Outcomes outcomes;
    (void)replica->apply(actions, outcomes, {});
    replica.reset();
    world.run_until(world.now() + 1min);
    EXPECT_LE(outcomes.of.size(), mail->folder(work).value()->messages) << cut;
  }
}

}  // namespace
}  // namespace libsync::server
