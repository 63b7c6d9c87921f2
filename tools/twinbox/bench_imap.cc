// IMAP: the corpus as FETCH responses, and the lines of a large mailbox and of many mailboxes.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "libsync/imap/session.h"
#include "libsync/mime/envelope.h"

#include "tools/twinbox/bench_parts.h"

namespace twinbox {

namespace imap = libsync::imap;
namespace mime = libsync::mime;
using libsync::Result;
using libsync::Status;

namespace {

constexpr size_t kLines = 100'000;    // messages of a large mailbox
constexpr size_t kMailboxes = 5'000;  // each a LIST and a STATUS

// What a server sends, handed out as a connection would.
class Wire {
 public:
  explicit Wire(std::string octets) : octets_(std::move(octets)) {}
  size_t size() const { return octets_.size(); }
  template <class Feed>
  Status feed(Feed feed) const {
    for (std::string_view rest = octets_; !rest.empty(); rest.remove_prefix(std::min(kTlsPiece, rest.size()))) {
      TB_TRY(feed(rest.substr(0, kTlsPiece)));
    }
    return {};
  }

 private:
  std::string octets_;
};

std::shared_ptr<const Wire> bodies(const Corpus& corpus) {
  std::string out;
  out.reserve(corpus.octets + corpus.messages.size() * 64);
  uint64_t number = 0;
  for (const std::string& message : corpus.messages) {
    ++number;
    out += fmt::format("* {0} FETCH (UID {0} BODY[] {{{1}}}\r\n", number, message.size());
    out += message;
    out += ")\r\n";
  }
  return std::make_shared<const Wire>(std::move(out));
}

class CountedFrames final : public imap::FrameSink {
 public:
  void frame(const imap::Frame&) override { ++frames; }
  void literal_begin(std::string_view, std::span<const imap::Literal>) override {}
  void literal_data(std::string_view bytes) override { octets += bytes.size(); }
  void literal_end() override {}
  uint64_t frames = 0, octets = 0;
};

Result<BenchWork> framer(const Corpus& corpus, const std::string&, const std::stop_token&) {
  const auto wire = bodies(corpus);
  const auto run = [wire, &corpus]() -> Status {
    const imap::Limits limits;
    imap::Quirks quirks;
    imap::Framer framer(limits, quirks);
    framer.logged_in();
    CountedFrames sink;
    const auto feed = [&](std::string_view bytes) -> Status {
      TB_TRY(framer.feed(bytes, sink));
      return {};
    };
    TB_TRY(wire->feed(feed));
    TB_TRY(all_done("imap-framer", sink.frames, corpus.messages.size()));
    return all_done("imap-framer", sink.octets, corpus.octets);
  };
  return BenchWork{.run = run, .units = corpus.messages.size(), .octets = wire->size()};
}

class Counter final : public imap::Handler {
 public:
  void on_fetch(const imap::FetchData& data) override { done += data.uid.has_value(); }
  void on_list(const imap::ListData&) override { ++done; }
  void on_mailbox_status(const imap::StatusData&) override { ++done; }
  void on_body_data(std::string_view bytes) override { octets += bytes.size(); }
  uint64_t done = 0, octets = 0;
};

// All of it through a session that is logged in; `units` responses must be understood, `octets` of mail handed out.
BenchWork session_work(std::string_view name, const std::shared_ptr<const Wire>& wire, uint64_t units,
                       uint64_t octets) {
  const auto run = [=]() -> Status {
    Counter counter;
    imap::Session session(counter);
    TB_TRY(session.receive("* PREAUTH ready\r\n"));
    TB_TRY(wire->feed([&](std::string_view bytes) { return session.receive(bytes); }));
    TB_TRY(all_done(name, counter.done, units));
    return all_done(name, counter.octets, octets);
  };
  return {.run = run, .units = units, .octets = wire->size()};
}

Result<BenchWork> body(const Corpus& corpus, const std::string&, const std::stop_token&) {
  return session_work("imap-body", bodies(corpus), corpus.messages.size(), corpus.octets);
}

Result<BenchWork> fetch_lines(const Corpus& corpus, const std::string&, const std::stop_token&) {
  static constexpr std::string_view kFlags[] = {"\\Seen", "", "\\Seen \\Answered", "\\Seen $Work $Forwarded",
                                                "\\Flagged NonJunk"};
  std::string out;
  for (size_t i = 0; i < kLines; ++i) {
    out += fmt::format(
        "* {} FETCH (UID {} FLAGS ({}) INTERNALDATE \"{:2}-Jun-2026 08:{:02}:{:02} +0000\" RFC822.SIZE {} MODSEQ "
        "({}))\r\n",
        i + 1, 2 * i + 1, kFlags[i % std::size(kFlags)], 1 + i % 30, i / 60 % 60, i % 60,
        corpus.messages[i % corpus.messages.size()].size(), 1'000'000 + 3 * i);
  }
  return session_work("imap-fetch", std::make_shared<const Wire>(std::move(out)), kLines, 0);
}

// As a server writes what a header says: whatever is no quoted string goes as a literal.
std::string as_string(std::string_view text) {
  if (text.empty()) return "NIL";
  text = text.substr(0, 4'000);
  const std::string quoted = imap::quoted(text);
  return quoted.empty() ? fmt::format("{{{}}}\r\n{}", text.size(), text) : quoted;
}

std::string as_addresses(const std::vector<mime::Address>& addresses) {
  std::string out;
  for (const mime::Address& each : addresses) {
    if (each.kind != mime::AddressKind::Mailbox || out.size() > 100'000) continue;
    out += fmt::format("({} NIL {} {})", as_string(each.name), as_string(each.local), as_string(each.domain));
  }
  return out.empty() ? "NIL" : "(" + out + ")";
}

Result<BenchWork> envelopes(const Corpus& corpus, const std::string&, const std::stop_token&) {
  mime::Converters converters;
  std::string out;
  uint64_t number = 0;
  for (const std::string& message : corpus.messages) {
    const auto envelope = mime::parse_envelope(message, converters);
    const std::string from = as_addresses(envelope.from);
    ++number;
    out += fmt::format("* {0} FETCH (UID {0} ENVELOPE ({1} {2} {3} {3} {3} {4} {5} NIL NIL {6}))\r\n", number,
                       as_string(envelope.date ? mime::format_date(*envelope.date) : ""), as_string(envelope.subject),
                       from, as_addresses(envelope.to), as_addresses(envelope.cc), as_string(envelope.message_id));
  }
  return session_work("imap-envelope", std::make_shared<const Wire>(std::move(out)), corpus.messages.size(), 0);
}

Result<BenchWork> mailboxes(const Corpus&, const std::string&, const std::stop_token&) {
  std::string out;
  for (size_t i = 0; i < kMailboxes; ++i) {
    const std::string name = i % 5 == 0 ? fmt::format("&Xn1lh5Z8-/{}", i) : fmt::format("Archive/2026/project {}", i);
    out += fmt::format("* LIST (\\HasNoChildren \\Subscribed) \"/\" \"{}\"\r\n", name);
    out += fmt::format("* STATUS \"{}\" (MESSAGES {} UIDNEXT {} UIDVALIDITY 1750000000 HIGHESTMODSEQ {})\r\n", name,
                       i * 7 % 1'000, i * 7 + 1, 1'000'000 + i);
  }
  return session_work("imap-list", std::make_shared<const Wire>(std::move(out)), 2 * kMailboxes, 0);
}

}  // namespace

extern const BenchPart kBenchImapFramer, kBenchImapBody, kBenchImapFetch, kBenchImapEnvelope, kBenchImapList;
const BenchPart kBenchImapFramer{"imap-framer", "messages", "FETCH responses cut into lines and literals", framer};
const BenchPart kBenchImapBody{"imap-body", "messages", "FETCH responses through a session", body};
const BenchPart kBenchImapFetch{"imap-fetch", "lines", "FETCH lines with flags, date, size and MODSEQ", fetch_lines};
const BenchPart kBenchImapEnvelope{"imap-envelope", "lines", "FETCH lines with ENVELOPE", envelopes};
const BenchPart kBenchImapList{"imap-list", "lines", "LIST and STATUS of many mailboxes", mailboxes};

}  // namespace twinbox
