// twinbox settle: a person's answer to what is held, refused or not found again; or a list of it.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/replicas/store.h"
#include "libsync/store/link_table.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/local_change.h"
#include "tools/twinbox/waiting.h"

namespace twinbox {

namespace account = libsync::account;
namespace store = libsync::store;
namespace sync = libsync::sync;
using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::Status;
using libsync::word;
using sync::Row;
using sync::Side;

namespace {

constexpr std::chrono::seconds kLockWait{5};

struct Verdict {
  std::string_view name;
  Status (*give)(Row&);
};
constexpr Verdict kVerdicts[] = {{"accept", sync::accept}, {"restore", sync::restore}, {"unlink", sync::unlink}};

// --- the list ---

Result<int> list(Context& context, const OpenAccount& open) {
  const auto link = store::open_link(open.store->db());
  TB_ASSIGN(const auto boxes, open.store->mailboxes());
  const FolderNames names(boxes);
  std::vector<std::vector<std::string>> rows;
  TB_TRY(each_waiting(*open.store, *link, [&](Row& row, Matter matter) -> Status {
    if (matter == Matter::Nothing || matter == Matter::Change || context.out().closed()) return {};
    TB_ASSIGN(const auto message, open.store->message(message_of(row)));
    if (!context.json()) {
      rows.push_back({message ? std::to_string(message->id) : "–", matter_text(row, matter),
                      message ? libsync::printable(names.of(*message), 200) : "",
                      message ? libsync::printable(message->envelope.subject, 1000) : ""});
      return {};
    }
    JsonObject out = message ? message_json(*message, names.of(*message)) : JsonObject{{"id", Json()}};
    out.emplace_back("waits", matter_name(matter));
    const Side side = sync::side_of(row);
    out.emplace_back("on", matter == Matter::Unlinked ? Json() : Json(side == Side::A ? "server" : "here"));
    if (const auto& refusal = row.half(side).blocked) out.emplace_back("words", refusal->words);
    context.out().json(out);
    return {};
  }));
  if (context.json()) return 0;
  if (rows.empty()) {
    context.note(say("nothing waits for an answer"));
    return 0;
  }
  print_table(context.out(),
              {{.title = std::string(word("id")), .right = true},
               {.title = std::string(word("what waits"))},
               {.title = std::string(word("folder")), .flexible = true, .drop = 1},
               {.title = std::string(word("subject")), .flexible = true}},
              rows);
  context.note(
      say("to answer: twinbox settle {} ID… and accept (the other side is right), restore (on both sides again) "
          "or unlink (stays as it is)",
          open.account->name));
  return 0;
}

// --- the answers ---

std::optional<Matter> matter_named(std::string_view text) {
  for (const Matter matter : {Matter::Held, Matter::Suspect, Matter::Refused, Matter::Unlinked}) {
    if (matter_name(matter) == text) return matter;
  }
  return std::nullopt;
}

// "ID… accept": of what, and which.
struct Request {
  std::vector<std::string> ids;
  std::set<Matter> all_of;
  const Verdict* verdict = nullptr;
};

Result<Request> read_words(const Arguments& arguments) {
  Request request;
  const std::string& last = arguments.words().back();
  const auto found = std::ranges::find(kVerdicts, last, &Verdict::name);
  if (found == std::end(kVerdicts)) {
    return fail(Error{.code = Errc::Usage,
                      .what = say("\"{}\" is no answer", libsync::printable(last, 40)),
                      .hint = say("write accept, restore or unlink behind the ids")});
  }
  request.verdict = found;
  for (const std::string& text : ids_before_folder(arguments)) {
    if (const auto matter = matter_named(text)) {
      request.all_of.insert(*matter);
    } else {
      request.ids.push_back(text);
    }
  }
  if (request.ids.empty() && request.all_of.empty()) {
    return fail(Error{.code = Errc::Usage,
                      .what = say("settle needs the id of a message"),
                      .hint = say("twinbox settle {} lists what waits", arguments.word(0))});
  }
  return request;
}

class Settling {
 public:
  Settling(Context& context, const OpenAccount& open, const Request& request)
      : context_(context), open_(open), request_(request), link_(store::open_link(open.store->db())) {}

  Result<std::vector<store::MessageId>> run() {
    TB_ASSIGN(write_, begin_change(open_));
    TB_ASSIGN(const auto named, find_messages(*open_.store, request_.ids));
    std::set<store::MessageId> left;
    for (const store::MessageInfo& message : named) left.insert(message.id);
    std::vector<Row> rows;
    TB_TRY(each_waiting(*open_.store, *link_, [&](Row& row, Matter matter) -> Status {
      const bool meant = left.erase(message_of(row)) > 0 || request_.all_of.contains(matter);
      if (meant) rows.push_back(std::move(row));
      return {};
    }));
    if (!left.empty()) {
      return fail(Error{.code = Errc::Refused,
                        .what = say("message {} waits for nothing", *left.begin()),
                        .hint = say("twinbox settle {} lists what does", open_.account->name)});
    }
    for (Row& row : rows) TB_TRY(answer(row));
    TB_TRY(write_->commit());
    return ids_;
  }

 private:
  Status answer(Row& row) {
    const store::MessageId id = message_of(row);
    const Row before = row;
    if (auto given = request_.verdict->give(row); !given) {
      Error error = std::move(given).error();
      error.what = id == 0 ? say("a message that is not here: {}", error.what) : say("message {}: {}", id, error.what);
      return fail(std::move(error));
    }
    const bool restores = row.answer == sync::Answer::Restore;
    if (restores && row.half(Side::A).at == sync::At::Absent) TB_TRY(may_reach_server());
    if (restores && row.half(Side::B).at == sync::At::Absent) TB_TRY(bring_back_here(row, before, id));
    TB_TRY(link_->put(row));
    if (id != 0) ids_.push_back(id);
    return link_->record({.time = context_.now(),
                          .what = sync::Event::What::Command,
                          .on = Side::B,
                          .row = row.id,
                          .message = before.half(Side::B).instance,
                          .by = "settle " + std::string(request_.verdict->name)});
  }

  Status may_reach_server() const {
    if (open_.account->mode == account::Mode::TwoWay) return {};
    return fail(Error{.code = Errc::Refused,
                      .what = say("{} is a mirror: nothing is put on its server", open_.account->name),
                      .hint = say("\"unlink\" keeps it here; \"accept\" lets it go")});
  }

  // The message itself, with its id, while it is kept; the next sync finds it. Else it is fetched.
  Status bring_back_here(Row& row, const Row& before, store::MessageId id) {
    TB_ASSIGN(const auto message, open_.store->message(id));
    if (!message || message->mailbox != 0) return {};
    TB_TRY(write_->restore(id));
    row = before;
    row.answer = sync::Answer::Restore;
    row.dirty = true;
    return {};
  }

  Context& context_;
  const OpenAccount& open_;
  const Request& request_;
  std::unique_ptr<sync::Link> link_;
  std::unique_ptr<store::Write> write_;
  std::vector<store::MessageId> ids_;
};

void tell(Context& context, const Request& request, const std::vector<store::MessageId>& ids) {
  const std::string count = messages_text(ids.size());
  if (ids.empty()) return context.note(say("nothing to do: nothing of that waits"));
  if (request.verdict->name == "accept") return context.note(say("{}: accepted; the next sync carries it out", count));
  if (request.verdict->name == "restore")
    return context.note(say("{}: to be on both sides again; the next sync carries it out", count));
  context.note(say("{}: unlinked; what is here stays here, and no sync does anything about it", count));
}

Result<int> settle(Context& context, const Arguments& arguments) {
  const std::string& name = arguments.word(0);
  if (arguments.words().size() == 1) {
    TB_ASSIGN(const OpenAccount open, open_account(context, name));
    return with_way_out(list(context, open), name);
  }
  TB_ASSIGN(const Request request, read_words(arguments));
  TB_ASSIGN(const OpenAccount open, open_account(context, name, store::StoreMode::ReadWrite));
  // A sync that runs has rows in its hands, and would write over the answers.
  TB_ASSIGN(const auto lock, open.store->lock_for_sync(kLockWait, context.stop()));
  TB_ASSIGN(const auto ids, with_way_out(Settling(context, open, request).run(), name));
  if (!context.json()) {
    tell(context, request, ids);
    return 0;
  }
  context.out().json(JsonObject{
      {"account", name}, {"answer", request.verdict->name}, {"messages", ids.size()}, {"ids", ids_json(ids)}});
  return 0;
}

}  // namespace

extern const Command kSettle;
const Command kSettle{
    .name = "settle",
    .usage = "ACCOUNT [ID… accept|restore|unlink]",
    .summary = "list what is held, suspect or refused, or answer it for the next sync",
    .options = {},
    .least_words = 1,
    .most_words = kAnyNumber,
    .example =
        "twinbox settle work\n"
        "twinbox settle work 4711 4712 accept\n"
        "twinbox settle work held restore\n"
        "twinbox settle work 4711 unlink",
    .run = settle,
    .notes =
        "accept   believe the other side: what is gone there goes here, what was refused is undone\n"
        "restore  have the message on both sides: it is sent, fetched or asked for again\n"
        "unlink   leave it as it is on either side, and out of syncs from then on\n"
        "In place of ids: held, suspect, refused, unlinked.",
};

}  // namespace twinbox
