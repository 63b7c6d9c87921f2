// One suite that every replica passes (libsync/sync/replica.h): what the engine relies on.
#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "tests/contract/replicas/subject.h"

namespace twinbox::contract {
namespace {

using namespace libsync;
using sync::Action;
using sync::Did;
using sync::Op;

struct Looked {
  bool opened = false;
  sync::BoxState state{};
  std::map<sync::Key, sync::Facts> seen{};
  std::vector<sync::Key> vanished{};
  std::optional<std::vector<sync::KeyRange>> present{};  // instead of that
  std::string next{};
  uint64_t exists = 0;
};

class LookSink final : public sync::ChangeSink {
 public:
  Status open(const sync::BoxId& box, const sync::BoxState& state) override {
    EXPECT_FALSE(open_) << "mailboxes interleave";
    open_ = true;
    boxes[box].opened = true;
    boxes[box].state = state;
    return {};
  }
  Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
    EXPECT_TRUE(open_);
    EXPECT_EQ(ref.epoch, boxes[ref.box].state.epoch);
    EXPECT_TRUE(boxes[ref.box].seen.emplace(ref.key, facts).second) << "seen twice";
    return {};
  }
  Status vanished(const sync::BoxId& box, uint64_t, const sync::Key& key) override {
    boxes[box].vanished.push_back(key);
    return {};
  }
  Status present(const sync::BoxId& box, std::span<const sync::KeyRange> ranges) override {
    present_ranges[box].assign(ranges.begin(), ranges.end());
    boxes[box].present.emplace(ranges.begin(), ranges.end());
    return {};
  }
  Status close(const sync::BoxId& box, std::string_view next, uint64_t exists) override {
    EXPECT_TRUE(open_);
    open_ = false;
    boxes[box].next = next;
    boxes[box].exists = exists;
    return {};
  }
  Status missing(const sync::BoxId& box) override {
    missing_boxes.push_back(box);
    return {};
  }
  std::map<sync::BoxId, Looked> boxes;
  std::map<sync::BoxId, std::vector<sync::KeyRange>> present_ranges;
  std::vector<sync::BoxId> missing_boxes;

 private:
  bool open_ = false;
};

class FetchSink final : public sync::MessageSink {
 public:
  Status begin(uint64_t token, uint64_t) override {
    EXPECT_FALSE(begun_) << "messages interleave";
    begun_ = true;
    current_ = token;
    octets_.clear();
    return {};
  }
  Status data(std::string_view bytes) override {
    octets_ += bytes;
    return {};
  }
  Status end(uint64_t token) override {
    EXPECT_EQ(token, current_);
    begun_ = false;
    EXPECT_TRUE(messages.emplace(token, octets_).second);
    return {};
  }
  Status failed(uint64_t token, const Error& error) override {
    EXPECT_TRUE(errors.emplace(token, error).second);
    return {};
  }
  std::map<uint64_t, std::string> messages;
  std::map<uint64_t, Error> errors;

 private:
  bool begun_ = false;
  uint64_t current_ = 0;
  std::string octets_;
};

class DoneSink final : public sync::ActionSink {
 public:
  Status done(uint64_t token, const sync::Outcome& outcome) override {
    EXPECT_TRUE(outcomes.emplace(token, outcome).second) << "done twice";
    return {};
  }
  Status durable() override {
    ++durables;
    return {};
  }
  std::map<uint64_t, sync::Outcome> outcomes;
  int durables = 0;
};

class TextSource final : public sync::ContentSource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  std::optional<uint64_t> size() const override { return text_.size(); }
  Result<std::string_view> next() override {
    const std::string_view piece = std::string_view(text_).substr(at_, 7);
    at_ += piece.size();
    return piece;
  }

 private:
  std::string text_;
  size_t at_ = 0;
};

std::string letter(int n) {
  return "From: a@example.org\r\nSubject: letter " + std::to_string(n) +
         "\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\nText of letter " + std::to_string(n) +
         ".\r\n.\r\n..dots\r\n";
}

class Contract : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (!GetParam().skip.empty()) GTEST_SKIP() << "NOT RUN: " << GetParam().skip;
    subject = GetParam().make();
  }

  std::unique_ptr<sync::Replica> open() {
    auto replica = subject->open();
    EXPECT_TRUE(replica) << replica.error().text();
    return replica ? std::move(*replica) : nullptr;
  }

  static sync::BoxId inbox_of(sync::Replica& replica) {
    auto boxes = replica.mailboxes({});
    EXPECT_TRUE(boxes) << boxes.error().text();
    const auto found = std::ranges::find_if(*boxes, [](const auto& box) { return box.path == sync::Path{"INBOX"}; });
    EXPECT_NE(found, boxes->end());
    return found->id;
  }

  static Looked look(sync::Replica& replica, const std::string& cursor = {}) {
    const sync::BoxId inbox = inbox_of(replica);
    LookSink sink;
    const std::vector<sync::BoxCursor> cursors{{inbox, cursor}};
    const Status status = replica.changes(cursors, sink, {});
    EXPECT_TRUE(status) << status.error().text();
    return sink.boxes[inbox];
  }

  std::unique_ptr<Subject> subject;
};

TEST_P(Contract, ShowsEveryMessageAtTheFirstLook) {
  for (int i = 0; i < 5; ++i) subject->deliver(letter(i));
  auto replica = open();
  const Looked looked = look(*replica);
  EXPECT_TRUE(looked.opened);
  EXPECT_TRUE(looked.state.full);
  EXPECT_EQ(looked.seen.size(), 5U);
  EXPECT_EQ(looked.exists, 5U);
  for (const auto& [key, facts] : looked.seen) EXPECT_EQ(facts.size, letter(0).size());
}

TEST_P(Contract, KeysStayTheSameInTheNextSession) {
  for (int i = 0; i < 3; ++i) subject->deliver(letter(i));
  auto first = open();
  const Looked before = look(*first);
  DoneSink done;
  EXPECT_TRUE(first->finish(done, {}));
  first.reset();
  auto second = open();
  const Looked after = look(*second);
  ASSERT_EQ(before.seen.size(), after.seen.size());
  for (const auto& [key, facts] : before.seen) EXPECT_TRUE(after.seen.contains(key));
  EXPECT_EQ(before.state.epoch, after.state.epoch);
}

TEST_P(Contract, FetchGivesTheExactOctetsAndTheHeaderAlone) {
  for (int i = 0; i < 40; ++i) subject->deliver(letter(i));
  auto replica = open();
  const sync::BoxId inbox = inbox_of(*replica);
  const Looked looked = look(*replica);
  std::vector<sync::FetchItem> items;
  for (const auto& [key, facts] : looked.seen) {
    items.push_back({.token = items.size(), .ref = {inbox, looked.state.epoch, key}, .size = facts.size});
  }
  FetchSink whole;
  ASSERT_TRUE(replica->fetch(items, whole, {}));
  EXPECT_TRUE(whole.errors.empty());
  std::vector<std::string> got;
  for (const auto& [token, octets] : whole.messages) got.push_back(octets);
  std::vector<std::string> sent;
  for (int i = 0; i < 40; ++i) sent.push_back(letter(i));
  std::ranges::sort(got);
  std::ranges::sort(sent);
  EXPECT_EQ(got, sent);

  for (auto& item : items) item.part = sync::FetchPart::Header;
  FetchSink headers;
  ASSERT_TRUE(replica->fetch(items, headers, {}));
  for (const auto& [token, header] : headers.messages) {
    EXPECT_TRUE(whole.messages[token].starts_with(header));
    EXPECT_TRUE(header.ends_with("\r\n\r\n"));
    EXPECT_EQ(header.find("Text of"), header.npos);
  }
}

TEST_P(Contract, AMessageThatIsNotThereFailsAndTheOthersCome) {
  subject->deliver(letter(1));
  auto replica = open();
  const sync::BoxId inbox = inbox_of(*replica);
  const Looked looked = look(*replica);
  const sync::Key there = looked.seen.begin()->first;
  const sync::Key nowhere = there.number != 0 ? sync::Key{there.number + 77} : sync::Key{0, "no-such-uidl"};
  const std::vector<sync::FetchItem> items{{.token = 1, .ref = {inbox, looked.state.epoch, nowhere}},
                                           {.token = 2, .ref = {inbox, looked.state.epoch, there}}};
  FetchSink sink;
  ASSERT_TRUE(replica->fetch(items, sink, {}));
  ASSERT_TRUE(sink.errors.contains(1));
  EXPECT_EQ(sink.errors[1].code, Errc::NotFound);
  EXPECT_EQ(sink.messages[2], letter(1));
}

TEST_P(Contract, TheCursorLeadsToWhatChangedSince) {
  for (int i = 0; i < 4; ++i) subject->deliver(letter(i), i == 0 ? uint32_t{sync::kSeen} : 0);
  auto first = open();
  const Looked before = look(*first);
  first.reset();
  subject->deliver(letter(9));
  subject->expunge_first();
  auto second = open();
  const sync::BoxId inbox = inbox_of(*second);
  LookSink sink;
  const std::vector<sync::BoxCursor> cursors{{inbox, before.next}};
  ASSERT_TRUE(second->changes(cursors, sink, {}));
  const Looked& after = sink.boxes[inbox];
  EXPECT_EQ(after.exists, 4U);
  size_t fresh = 0;
  for (const auto& [key, facts] : after.seen) fresh += before.seen.contains(key) ? 0 : 1;
  EXPECT_EQ(fresh, 1U);
  // One of the known ones is gone: told by name, by what is present, or by a full look without it.
  size_t gone = 0;
  for (const auto& [key, facts] : before.seen) {
    const bool told = std::ranges::find(after.vanished, key) != after.vanished.end();
    const auto& ranges = sink.present_ranges[inbox];
    const bool absent = !ranges.empty() && std::ranges::none_of(ranges, [&](const sync::KeyRange& range) {
      return key.number >= range.first && key.number <= range.last;
    });
    gone += told || absent || (after.state.full && !after.seen.contains(key)) ? 1 : 0;
  }
  EXPECT_EQ(gone, 1U);
  for (const auto& [key, facts] : after.seen) {
    EXPECT_TRUE(facts.flags.system == 0 || second->capabilities().flags);
  }
}

TEST_P(Contract, FlagsAreShownWhereThereAreAny) {
  subject->deliver(letter(1), sync::kSeen | sync::kFlagged);
  auto replica = open();
  const Looked looked = look(*replica);
  ASSERT_EQ(looked.seen.size(), 1U);
  const uint32_t flags = looked.seen.begin()->second.flags.system;
  EXPECT_EQ(flags, replica->capabilities().flags ? uint32_t{sync::kSeen | sync::kFlagged} : 0U);
}

TEST_P(Contract, AStopEndsEveryCall) {
  subject->deliver(letter(1));
  auto replica = open();
  const sync::BoxId inbox = inbox_of(*replica);
  const Looked looked = look(*replica);
  std::stop_source stop;
  stop.request_stop();
  FetchSink sink;
  const std::vector<sync::FetchItem> items{
      {.token = 1, .ref = {inbox, looked.state.epoch, looked.seen.begin()->first}}};
  const Status stopped = replica->fetch(items, sink, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::Cancelled);
}

TEST_P(Contract, EveryActionGetsOneAnswer) {
  subject->deliver(letter(1));
  auto replica = open();
  const sync::BoxId inbox = inbox_of(*replica);
  const Looked looked = look(*replica);
  const sync::MsgRef there{inbox, looked.state.epoch, looked.seen.begin()->first};
  TextSource source(letter(2));
  std::vector<Action> actions;
  const sync::Capabilities can = replica->capabilities();
  if (!can.append) actions.push_back({.token = 1, .op = Op::Add, .box = inbox, .content = &source});
  if (!can.flags) actions.push_back({.token = 2, .op = Op::Flags, .ref = there, .add = {.system = sync::kSeen}});
  if (!can.folders) actions.push_back({.token = 3, .op = Op::CreateBox, .path = {"New"}});
  DoneSink sink;
  ASSERT_TRUE(replica->apply(actions, sink, {}));
  EXPECT_EQ(sink.outcomes.size(), actions.size());
  for (const auto& [token, outcome] : sink.outcomes) {
    EXPECT_TRUE(outcome.did == Did::ReadOnly || outcome.did == Did::Refused) << static_cast<int>(outcome.did);
  }
}

TEST_P(Contract, IdentityIsTheSameInEverySessionAndHoldsNoSecret) {
  const std::string first = open()->identity();
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(open()->identity(), first);
  EXPECT_EQ(first.find("correct horse"), first.npos);
}

// Replicas that can be written to (capabilities().append).
class Writing : public Contract {
 protected:
  void SetUp() override {
    Contract::SetUp();
    if (IsSkipped()) return;
    replica = open();
    inbox = inbox_of(*replica);
  }

  sync::Outcome apply(Action action) {
    action.token = 42;
    DoneSink sink;
    const Status status = replica->apply(std::span(&action, 1), sink, {});
    EXPECT_TRUE(status) << status.error().text();
    EXPECT_GE(sink.durables, 1);
    EXPECT_EQ(sink.outcomes.size(), 1U);
    return sink.outcomes[42];
  }

  sync::MsgRef add(const std::string& octets, const sync::BoxId& box, sync::Flags flags = {}) {
    TextSource source(octets);
    const auto outcome =
        apply({.op = Op::Add, .box = box, .add = std::move(flags), .date = 1'600'000'000, .content = &source});
    EXPECT_EQ(outcome.did, Did::Ok) << outcome.words;
    return outcome.ref;
  }

  std::unique_ptr<sync::Replica> replica;
  sync::BoxId inbox;
};

TEST_P(Writing, AddKeepsOctetsFlagsAndDate) {
  sync::Flags flags{.system = sync::kSeen | sync::kAnswered};
  flags.add_keyword("$Label1");
  const auto ref = add(letter(1), inbox, flags);
  const Looked looked = look(*replica);
  ASSERT_TRUE(looked.seen.contains(ref.key));
  EXPECT_EQ(looked.seen.at(ref.key).flags, flags);
  EXPECT_EQ(looked.seen.at(ref.key).date, 1'600'000'000);
  const std::vector<sync::FetchItem> items{{.token = 1, .ref = ref}};
  FetchSink sink;
  ASSERT_TRUE(replica->fetch(items, sink, {}));
  EXPECT_EQ(sink.messages[1], letter(1));
}

TEST_P(Writing, AnEmptyMessageAndStrangeOctetsPass) {
  std::vector<std::string> strange{{}, {"\0\r\n\0", 4}, "no end", "\xff\xfe\n\r"};
  // What servers of mail do with NUL, with a CR alone and with nothing at all is theirs (Dovecot: another octet, less,
  // a refusal).
  if (replica->capabilities().crlf) strange = {"no end", "\xff\xfe\r\nx", "\r\n", "."};
  for (const std::string& octets : strange) {
    const auto ref = add(octets, inbox);
    const std::vector<sync::FetchItem> items{{.token = 1, .ref = ref}};
    FetchSink sink;
    ASSERT_TRUE(replica->fetch(items, sink, {}));
    EXPECT_EQ(sink.messages[1], octets);
  }
}

TEST_P(Writing, ABareLfBecomesALineEndWhereTheReplicaSaysSo) {
  const auto ref = add("A: 1\n\nx\r\n\n", inbox);
  const std::vector<sync::FetchItem> items{{.token = 1, .ref = ref}};
  FetchSink sink;
  ASSERT_TRUE(replica->fetch(items, sink, {}));
  EXPECT_EQ(sink.messages[1], replica->capabilities().crlf ? "A: 1\r\n\r\nx\r\n\r\n" : "A: 1\n\nx\r\n\n");
}

TEST_P(Writing, FlagsAreDeltas) {
  const auto ref = add(letter(1), inbox, {.system = sync::kSeen | sync::kDraft});
  Action action{.op = Op::Flags, .ref = ref, .add = {.system = sync::kFlagged}, .del = {.system = sync::kDraft}};
  action.add.add_keyword("todo");
  EXPECT_EQ(apply(action).did, Did::Ok);
  sync::Flags wanted{.system = sync::kSeen | sync::kFlagged};
  wanted.add_keyword("TODO");
  EXPECT_EQ(look(*replica).seen.at(ref.key).flags, wanted);
  action.ref.key.number += 999;
  EXPECT_EQ(apply(action).did, Did::Gone);
}

TEST_P(Writing, MovesKeepTheInstanceAndCopiesDoNot) {
  const auto made = apply({.op = Op::CreateBox, .path = {"Work", "二"}});
  ASSERT_EQ(made.did, Did::Ok) << made.words;
  const auto ref = add(letter(1), inbox);
  const std::string instance = look(*replica).seen.at(ref.key).instance;
  const auto copied = apply({.op = Op::Copy, .ref = ref, .box = made.box});
  ASSERT_EQ(copied.did, Did::Ok);
  const auto moved = apply({.op = Op::Move, .ref = ref, .box = made.box});
  ASSERT_EQ(moved.did, Did::Ok);
  EXPECT_EQ(moved.instance, instance);
  EXPECT_TRUE(copied.instance != instance || instance.empty());
  EXPECT_TRUE(look(*replica).seen.empty());
  LookSink sink;
  const std::vector<sync::BoxCursor> cursors{{made.box, ""}};
  ASSERT_TRUE(replica->changes(cursors, sink, {}));
  EXPECT_EQ(sink.boxes[made.box].seen.size(), 2U);
}

TEST_P(Writing, RemovedMessagesVanish) {
  const auto ref = add(letter(1), inbox);
  const Looked before = look(*replica);
  EXPECT_EQ(apply({.op = Op::Remove, .ref = ref}).did, Did::Ok);
  EXPECT_EQ(apply({.op = Op::Remove, .ref = ref}).did, Did::Gone);
  const Looked after = look(*replica, before.next);
  EXPECT_EQ(after.exists, 0U);
  EXPECT_TRUE(after.state.full || (after.present && after.present->empty()) ||
              std::ranges::find(after.vanished, ref.key) != after.vanished.end());
}

TEST_P(Writing, MailboxesAreMadeRenamedAndDeleted) {
  const auto made = apply({.op = Op::CreateBox, .path = {"A"}});
  ASSERT_EQ(made.did, Did::Ok);
  EXPECT_EQ(apply({.op = Op::CreateBox, .path = {"A"}}).did, Did::Exists);
  const auto child = apply({.op = Op::CreateBox, .path = {"A", "C"}});
  ASSERT_EQ(child.did, Did::Ok);
  const auto renamed = apply({.op = Op::RenameBox, .box = made.box, .path = {"B"}});
  ASSERT_EQ(renamed.did, Did::Ok);
  const auto boxes = replica->mailboxes({}).value();
  EXPECT_TRUE(std::ranges::any_of(boxes, [](const auto& box) { return box.path == sync::Path{"B", "C"}; }));
  const auto other = apply({.op = Op::CreateBox, .path = {"X"}});
  EXPECT_EQ(apply({.op = Op::RenameBox, .box = other.box, .path = {"B"}}).did, Did::Exists);
  const auto ref = add(letter(1), other.box);
  EXPECT_EQ(apply({.op = Op::DeleteBox, .box = other.box}).did, Did::NotEmpty);
  EXPECT_EQ(apply({.op = Op::Remove, .ref = ref}).did, Did::Ok);
  EXPECT_EQ(apply({.op = Op::DeleteBox, .box = other.box}).did, Did::Ok);
  EXPECT_EQ(apply({.op = Op::DeleteBox, .box = other.box}).did, Did::NoBox);
}

TEST_P(Writing, AMailboxThatIsGoneIsMissing) {
  const auto made = apply({.op = Op::CreateBox, .path = {"Short"}});
  ASSERT_EQ(apply({.op = Op::DeleteBox, .box = made.box}).did, Did::Ok);
  LookSink sink;
  const std::vector<sync::BoxCursor> cursors{{made.box, ""}};
  ASSERT_TRUE(replica->changes(cursors, sink, {}));
  EXPECT_EQ(sink.missing_boxes, std::vector<sync::BoxId>{made.box});
}

TEST_P(Writing, NothingChangedMeansNothingSeen) {
  add(letter(1), inbox);
  const Looked before = look(*replica);
  const Looked after = look(*replica, before.next);
  EXPECT_TRUE(after.seen.empty() || (!replica->capabilities().change_tokens && after.state.full));
}

std::string name_of(const ::testing::TestParamInfo<Kind>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Replicas, Contract, ::testing::ValuesIn(kinds()), name_of);
std::vector<Kind> writable_kinds() {
  std::vector<Kind> all = kinds();
  std::erase_if(all, [](const Kind& kind) { return !kind.writable; });
  return all;
}
INSTANTIATE_TEST_SUITE_P(Replicas, Writing, ::testing::ValuesIn(writable_kinds()), name_of);

}  // namespace
}  // namespace twinbox::contract
