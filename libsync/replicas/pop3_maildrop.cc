#include "libsync/replicas/pop3_maildrop.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "libsync/base/digest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/print.h"

namespace libsync::replicas {
namespace {

using pop3::Event;
using pop3::Verb;

// Digests asked for ahead of their answers: a header has some 4 kB, a round trip some 50 ms.
constexpr size_t kDigestWindow = 64;
// Sessions until every message that goes by its digest has been looked at again.
constexpr uint64_t kTurns = 16;

struct Token {
  uint64_t turn = 0, count = 0;
  std::string_view sizes, last;
};

std::optional<Token> parse_token(std::string_view text) {
  std::array<std::string_view, 4> parts;
  for (std::string_view& part : parts) {
    const size_t end = std::min(text.find(':'), text.size());
    part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const auto turn = parse_u64(parts[0]), count = parse_u64(parts[1]);
  if (!turn || !count || *count == 0 || !text.empty()) return std::nullopt;
  return Token{.turn = *turn % kTurns, .count = *count, .sizes = parts[2], .last = parts[3]};
}

// A STAT without a LIST to bear it out is believed up to here: pop3::Limits::listing_lines.
constexpr uint64_t kMaxUnlisted = 4'000'000;

constexpr size_t kListings = 3;  // STAT, LIST, UIDL

// RFC 1939, section 7. Longer ones are taken too, and counted.
constexpr size_t kMaxUidl = 70;
constexpr size_t kUsualUidl = 24;
// Messages that room is made for at a word of the server's: 48 MB.
constexpr uint64_t kMostExpected = 1'000'000;
bool is_uidl_char(char c) { return c >= 0x21 && c <= 0x7E; }

}  // namespace

// Takes the answers to STAT, LIST and UIDL, in this order.
class Pop3Maildrop::Reader final : public pop3::Events {
 public:
  Reader(Pop3Maildrop& drop, pop3::Quirks& quirks) : drop_(drop), quirks_(quirks) {}

  Status event(const Event& event) override {
    if (event.kind == Event::Kind::Reply) return reply(event);
    if (event.kind == Event::Kind::Line && event.verb == Verb::List) list_line(event.text);
    if (event.kind == Event::Kind::Line && event.verb == Verb::Uidl) return uidl_line(event.text);
    if (event.kind == Event::Kind::End && event.verb == Verb::List) end_of_list();
    return {};
  }

  std::optional<pop3::StatusLine> stat_refused;

 private:
  Status reply(const Event& event) {
    const pop3::StatusLine& status = *event.status;
    if (event.verb == Verb::Stat) {
      if (!status.ok) stat_refused = status;
      const auto pair = status.ok ? pop3::parse_pair(status.text) : std::nullopt;
      if (pair) drop_.expect(pair->first);
      stat_read_ = pair.has_value();
    }
    if (event.verb == Verb::List && !status.ok) {
      // Some answer -ERR where there is no message. With messages there it leaves the sizes unknown.
      if (drop_.exists_ > kMaxUnlisted) return fail(Errc::Limit, say("STAT counts too many messages"));
      for (uint64_t n = 1; n <= drop_.exists_; ++n) drop_.entries_.push_back({.number = n});
      if (!stat_read_) drop_.complete_ = false;
    }
    if (event.verb == Verb::Uidl) drop_.has_uidl_ = status.ok;
    return {};
  }

  void list_line(std::string_view text) {
    const auto pair = pop3::parse_pair(text);
    if (pair && pair->first > 0)
      drop_.entries_.push_back({.number = pair->first, .size = pair->second});
    else
      drop_.complete_ = false;
  }

  void end_of_list() {
    auto& entries = drop_.entries_;
    std::ranges::sort(entries, {}, [](const Entry& e) { return std::pair(e.number, e.size); });
    const auto twins = std::ranges::unique(entries, {}, &Entry::number);
    entries.erase(twins.begin(), twins.end());
    if (stat_read_ && entries.size() != drop_.exists_) drop_.complete_ = false;
    drop_.exists_ = std::max<uint64_t>(drop_.exists_, entries.size());
  }

  Status uidl_line(std::string_view text) {
    const auto line = pop3::parse_uidl(text);
    if (!line || line->uidl.empty()) return {};  // this message goes by its digest
    if (line->uidl.size() > kMaxUidl || !std::ranges::all_of(line->uidl, is_uidl_char))
      quirks_.note(pop3::Quirk::LongUidl);
    auto& entries = drop_.entries_;
    // Both listings come in the same order: the next one is almost always the right one.
    if (next_ >= entries.size() || entries[next_].number != line->number) {
      const auto it = std::ranges::lower_bound(entries, line->number, {}, &Entry::number);
      if (it == entries.end() || it->number != line->number) return {};
      next_ = static_cast<size_t>(it - entries.begin());
    }
    if (entries[next_].key_size == 0) drop_.set_key(entries[next_], line->uidl);
    ++next_;
    return {};
  }

  Pop3Maildrop& drop_;
  pop3::Quirks& quirks_;
  bool stat_read_ = false;
  size_t next_ = 0;
};

// Takes digests of headers (TOP n 0) or, without TOP, of whole messages.
class Pop3Maildrop::Digester final : public pop3::Events {
 public:
  explicit Digester(Pop3Maildrop& drop) : drop_(drop) {}

  Status event(const Event& event) override {
    if (event.verb == Verb::Noop || event.verb == Verb::Rset) return {};
    switch (event.kind) {
      case Event::Kind::Reply:
        header_.clear();
        break;
      case Event::Kind::Text:
        if (event.verb == Verb::Retr) whole_.update(event.text);
        if (header_.size() < sync::kMaxPrintHeader)
          header_ += event.text.substr(0, sync::kMaxPrintHeader - header_.size());
        break;
      case Event::Kind::End:
        finish(event);
        break;
      default:
        break;
    }
    return {};
  }

 private:
  void finish(const Event& event) {
    const auto it = std::ranges::lower_bound(drop_.entries_, event.number, {}, &Entry::number);
    Digest& digest = drop_.digests_[event.number];
    const std::string_view header = std::string_view(header_).substr(0, sync::header_size(header_));
    digest.print = sync::print_of(header, it->size);
    if (event.verb == Verb::Retr) digest.object = "sha256:" + to_hex(whole_.finish());
  }

  Pop3Maildrop& drop_;
  std::string header_;
  Sha256 whole_;
};

Pop3Maildrop::Pop3Maildrop(pop3::Quirks& quirks) : reader_(std::make_unique<Reader>(*this, quirks)) {}
Pop3Maildrop::~Pop3Maildrop() = default;
pop3::Events& Pop3Maildrop::answers() { return *reader_; }

Status Pop3Maildrop::ask(Pop3Conversation& conversation) {
  const std::array<pop3::Command, kListings> listings{pop3::stat(), pop3::list(), pop3::uidl()};
  const pop3::Session& session = conversation.session();
  const pop3::Capabilities& before = session.capabilities();
  if (asked_ == 0 && before.known && before.pipelining && session.can_send(Verb::Stat)) {
    TB_TRY(conversation.send(pop3::capa()));
  }
  for (; asked_ < listings.size() && session.can_send(listings[asked_].verb); ++asked_) {
    TB_TRY(conversation.send(listings[asked_]));
  }
  return {};
}

Status Pop3Maildrop::load(Pop3Conversation& conversation, std::string_view token, std::stop_token stop) {
  do {
    TB_TRY(ask(conversation));
    TB_TRY(conversation.drain(*reader_, stop));
  } while (asked_ < kListings);
  if (reader_->stat_refused && entries_.empty()) {
    return fail(pop3::refusal(say("{} does not show the maildrop", conversation.channel().host()),
                              *reader_->stat_refused, conversation.session().capabilities(), Errc::Refused));
  }
  drop_numbers(conversation.session().quirks());
  TB_TRY(probe_top(conversation, stop));
  TB_TRY(settle_keys(conversation, token, stop));
  loaded_ = true;
  return {};
}

Status Pop3Maildrop::probe_top(Pop3Conversation& conversation, std::stop_token stop) {
  const pop3::Capabilities& capabilities = conversation.session().capabilities();
  has_top_ = capabilities.top;
  // A bare RFC 1939 server can only be asked; and only where the answer matters.
  if (capabilities.known || entries_.empty()) return {};
  TB_ASSIGN(const auto status, conversation.ask(pop3::top(entries_.front().number, 0), stop));
  has_top_ = status.ok;
  return {};
}

// Room for as many as there are said to be, within bounds: a listing that grows step by step is in memory twice.
void Pop3Maildrop::expect(uint64_t messages) {
  exists_ = messages;
  const auto room = static_cast<size_t>(std::min(messages, kMostExpected));
  entries_.reserve(room);
  keys_.reserve(room * kUsualUidl);
}

void Pop3Maildrop::set_key(Entry& entry, std::string_view key) {
  // pop3::Limits::listing_octets keeps a whole listing far below what 32 bits count; a key made from a
  // digest adds at most 80 octets a message.
  if (keys_.size() + key.size() > std::numeric_limits<uint32_t>::max()) {
    complete_ = false;
    return;
  }
  entry.key_at = static_cast<uint32_t>(keys_.size());
  entry.key_size = static_cast<uint32_t>(key.size());
  keys_ += key;
}

void Pop3Maildrop::sort_keys() {
  by_key_.clear();
  by_key_.reserve(entries_.size());
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].key_size > 0) by_key_.push_back(static_cast<uint32_t>(i));
  }
  std::ranges::sort(by_key_, {}, [&](uint32_t i) { return std::pair(key(entries_[i]), i); });
}

Status Pop3Maildrop::take_digests(Pop3Conversation& conversation, std::span<const size_t> wanted,
                                  std::stop_token stop) {
  std::vector<size_t> which;
  for (const size_t i : wanted) {
    if (digest(entries_[i]) == nullptr) which.push_back(i);
  }
  Digester digester(*this);
  pop3::Session& session = conversation.session();
  const Verb verb = has_top_ ? Verb::Top : Verb::Retr;
  for (const size_t i : which) {
    while (!session.idle() && (session.in_flight() >= kDigestWindow || !session.can_send(verb)))
      TB_TRY(conversation.pump(digester, stop));
    const Entry& entry = entries_[i];
    TB_TRY(conversation.send(has_top_ ? pop3::top(entry.number, 0) : pop3::retr(entry.number, entry.size)));
  }
  return which.empty() ? Status() : conversation.drain_messages(digester, stop);
}

// Some servers give each message its number for a UIDL. Such a one names other mail as soon as a message before
// it goes: it is no UIDL. (Where real UIDLs count up from 1 and nothing was removed yet, the digests cost a TOP for
// each message once, and later for some (go_on_from()); the first sync that sees the UIDLs part from the numbers finds
// each message again by its header.)
void Pop3Maildrop::drop_numbers(pop3::Quirks& quirks) {
  const auto is_number = [&](const Entry& entry) { return key(entry) == std::to_string(entry.number); };
  if (entries_.empty() || !std::ranges::all_of(entries_, is_number)) return;
  for (Entry& entry : entries_) entry.key_size = 0;
  keys_.clear();
  has_uidl_ = false;
  quirks.note(pop3::Quirk::NumberForUidl);
}

std::string Pop3Maildrop::sizes_digest(size_t count) const {
  Sha256 hash;
  for (const Entry& entry : std::span(entries_).first(count))
    hash.update(fmt::format("{} {}\n", entry.number, entry.size));
  return to_hex(hash.finish()).substr(0, 32);
}

std::string Pop3Maildrop::token() const {
  const bool sized = std::ranges::all_of(entries_, [](const Entry& entry) { return entry.size > 0; });
  if (has_uidl_ || !has_top_ || !complete_ || !sized || entries_.size() != exists_ || entries_.empty()) return {};
  const Digest* last = digest(entries_.back());
  if (last == nullptr) return {};
  return fmt::format("{}:{}:{}:{}", (turn_ + 1) % kTurns, entries_.size(), sizes_digest(entries_.size()), last->print);
}

// A maildrop is a list to whose end mail is added, and from which it goes: a message that is at its place still has
// lost none before it. So the last one of then is asked for, and what came behind it; and in turn, a few of the others
// each session, since nothing obliges a server to add at the end.
Result<bool> Pop3Maildrop::go_on_from(Pop3Conversation& conversation, std::string_view text, std::stop_token stop) {
  const auto token = parse_token(text);
  if (!token || !has_top_ || has_uidl_ || token->count > entries_.size() || entries_.size() != exists_) return false;
  if (sizes_digest(token->count) != token->sizes) return false;
  turn_ = token->turn;
  std::vector<size_t> which;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (i + 1 >= token->count || i % kTurns == turn_) which.push_back(i);
  }
  TB_TRY(take_digests(conversation, which, std::move(stop)));
  const Digest* last = digest(entries_[token->count - 1]);
  if (last == nullptr || last->print != token->last) return false;
  partial_ = true;
  old_ = token->count;
  name_by_digest(which);
  return true;
}

Status Pop3Maildrop::complete_digests(Pop3Conversation& conversation, std::stop_token stop) {
  if (!partial_) return {};
  partial_ = false;
  old_ = 0;
  keys_.clear();
  for (Entry& entry : entries_) entry.key_size = 0;
  return settle_keys(conversation, {}, std::move(stop));
}

bool Pop3Maildrop::is_new(const Entry& entry) const { return &entry - entries_.data() >= static_cast<ptrdiff_t>(old_); }

// Messages without a UIDL go by their digest; those that share one by UIDL and digest.
Status Pop3Maildrop::settle_keys(Pop3Conversation& conversation, std::string_view token, std::stop_token stop) {
  sort_keys();
  TB_ASSIGN(const bool as_before, go_on_from(conversation, token, stop));
  if (as_before) return {};
  std::vector<size_t> which;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].key_size == 0) which.push_back(i);
  }
  const auto same = [&](size_t a, size_t b) { return key(entries_[by_key_[a]]) == key(entries_[by_key_[b]]); };
  for (size_t i = 0; i < by_key_.size(); ++i) {
    if ((i == 0 || !same(i, i - 1)) && (i + 1 == by_key_.size() || !same(i, i + 1))) continue;
    conversation.session().quirks().note(pop3::Quirk::RepeatedUidl);
    which.push_back(by_key_[i]);
  }
  if (which.empty()) return {};
  std::ranges::sort(which);
  TB_TRY(take_digests(conversation, which, stop));
  name_by_digest(which);
  return {};
}

void Pop3Maildrop::name_by_digest(std::span<const size_t> which) {
  for (const size_t i : which) {
    Entry& entry = entries_[i];
    const Digest* digest = this->digest(entry);
    if (digest == nullptr) {
      entry.key_size = 0;
      complete_ = false;
      continue;
    }
    const std::string mark = digest->object.empty() ? "top:" + digest->print : digest->object;
    set_key(entry, entry.key_size == 0 ? mark : std::string(key(entry)) + "#" + mark);
  }
  sort_keys();
  number_twins();
}

// The same message delivered twice: told apart by their order, which the server keeps.
void Pop3Maildrop::number_twins() {
  uint64_t nth = 1;
  std::string first;
  for (size_t i = 0; i < by_key_.size(); ++i) {
    Entry& entry = entries_[by_key_[i]];
    if (i == 0 || key(entry) != first) {
      first = key(entry);
      nth = 1;
      continue;
    }
    set_key(entry, first + "#" + std::to_string(++nth));
  }
  sort_keys();
}

const Pop3Maildrop::Entry* Pop3Maildrop::find(std::string_view wanted) const {
  const auto it = std::ranges::lower_bound(by_key_, wanted, {}, [&](uint32_t i) { return key(entries_[i]); });
  if (it == by_key_.end() || key(entries_[*it]) != wanted) return nullptr;
  return &entries_[*it];
}

const Pop3Maildrop::Digest* Pop3Maildrop::digest(const Entry& entry) const {
  const auto it = digests_.find(entry.number);
  return it == digests_.end() ? nullptr : &it->second;
}

}  // namespace libsync::replicas
