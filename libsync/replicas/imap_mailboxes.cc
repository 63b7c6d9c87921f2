#include "libsync/replicas/imap_mailboxes.h"

#include <algorithm>
#include <set>

#include "libsync/base/digest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/imap/list.h"
#include "libsync/imap/names.h"
#include "libsync/replicas/imap_roles.h"
#include "libsync/sync/path.h"

namespace libsync::replicas {
namespace {

// STATUS commands sent ahead of their answers, where LIST can't carry them.
constexpr size_t kStatusInFlight = 100;

// Rows that can't be read: more of them say no more.
constexpr size_t kMaxUnreadable = 100;

std::string key_of(std::string_view wire) { return iequals(wire, "INBOX") ? "INBOX" : std::string(wire); }

// Of a LIST row that can't be read: what stands where the name belongs, fit to print.
std::string name_in(std::string_view row) {
  constexpr size_t kShown = 80;
  std::string_view name = row;
  if (const size_t attributes = name.find(") "); attributes != std::string_view::npos)
    name.remove_prefix(attributes + 2);
  if (const size_t delimiter = name.find(' '); delimiter != std::string_view::npos) name.remove_prefix(delimiter + 1);
  // A literal: its octets stand behind the line end.
  if (const size_t line = name.find('\n'); name.starts_with('{') && line != std::string_view::npos) {
    name.remove_prefix(line + 1);
  } else if (name.size() > 1 && name.front() == '"') {
    name = name.substr(1, name.size() - (name.back() == '"' ? 2 : 1));
  }
  std::string shown = printable(name, kShown);
  return shown.empty() ? std::string(word("(a folder without a name)")) : shown;
}

// A mailbox that is there and can't be mirrored.
sync::Mailbox troubled(sync::Path path, std::string trouble) {
  return {.id = {}, .path = std::move(path), .selectable = false, .trouble = std::move(trouble)};
}

}  // namespace

class ImapMailboxes::Listener final : public ImapListener {
 public:
  using ImapListener::ImapListener;
  void on_list(const imap::ListData& data) override {
    const std::string key = key_of(data.name);
    if (data.lsub) {
      subscribed.insert(key);
    } else if (seen.insert(key).second) {
      lists.push_back(data);
    }
  }
  void on_malformed(std::string_view text, std::string_view why) override {
    const bool is_list = istarts_with(text, "* LIST ") || istarts_with(text, "* XLIST ");
    if (is_list && unreadable.size() < kMaxUnreadable) unreadable.try_emplace(name_in(text), why);
  }
  void on_mailbox_status(const imap::StatusData& told) override {
    // MAILBOXID comes by itself, before or behind the rest.
    imap::StatusData& known = status[key_of(told.name)];
    std::optional<std::string> id = std::move(known.mailbox_id);
    if (told.mailbox_id) id = told.mailbox_id;
    if (told.messages || told.uid_next || told.uid_validity) known = told;
    known.mailbox_id = std::move(id);
  }

  std::vector<imap::ListData> lists;
  std::set<std::string> seen, subscribed;
  std::map<std::string, imap::StatusData> status;
  std::map<std::string, std::string> unreadable;  // why, by name
};

namespace {

std::string status_items(const imap::Capabilities& can) {
  std::string items = "MESSAGES UIDNEXT UIDVALIDITY";
  if (can.condstore()) items += " HIGHESTMODSEQ";
  return items;
}

// Asked for by itself: beside other items, Cyrus 3.6 answers with octets that were never an id.
constexpr std::string_view kIdItem = "MAILBOXID";

bool selectable(const imap::ListData& data) { return !data.has("\\Noselect") && !data.has("\\NonExistent"); }

}  // namespace

ImapMailboxes::ImapMailboxes(ImapConversation& conversation) : c_(conversation) {}
ImapMailboxes::~ImapMailboxes() = default;

Result<ImapMailboxes::Asked> ImapMailboxes::send(const imap::Capabilities& can) {
  imap::ListOptions options;
  const bool extended = can.list_extended();
  options.subscribed = extended;
  options.special_use = extended && can.special_use();
  if (extended && can.list_status()) options.status_items = status_items(can);
  Asked asked{.with_status = !options.status_items.empty()};
  TB_ASSIGN(asked.list, c_.send(imap::list("*", options)));
  if (!extended) TB_TRY(c_.send(imap::lsub("*")));
  if (asked.with_status && can.has("OBJECTID"))
    TB_TRY(c_.send(imap::list("*", imap::ListOptions{.status_items = std::string(kIdItem)})));
  TB_TRY(c_.offer_compression(can));
  return asked;
}

Status ImapMailboxes::ask_ahead(const imap::Capabilities& believed) {
  believed_ = believed;
  ahead_ = std::make_unique<Listener>(c_);
  c_.listen(ahead_.get());
  TB_ASSIGN(asked_ahead_, send(believed));
  return {};
}

// False: what was asked ahead is not what this server is to be asked.
Result<bool> ImapMailboxes::take_ahead(std::stop_token stop) {
  if (ahead_ == nullptr) return false;
  TB_TRY(c_.drain(std::move(stop)));
  const ImapAnswer answer = c_.take_answer(asked_ahead_.list).value_or(ImapAnswer{});
  return answer.ok() && c_.can().names() == believed_.names();
}

Status ImapMailboxes::ask(Listener& found, std::stop_token stop) {
  TB_ASSIGN(const Asked asked, send(c_.can()));
  TB_TRY(c_.drain(stop));
  const ImapAnswer answer = c_.take_answer(asked.list).value_or(ImapAnswer{});
  if (!answer.ok()) return fail(c_.error(Errc::Refused, say("the server does not list its folders"), answer));
  return asked.with_status ? Status() : ask_status(found, stop);
}

Status ImapMailboxes::ask_status(Listener& found, std::stop_token stop) {
  for (const imap::ListData& data : found.lists) {
    if (!selectable(data) || left_out(data)) continue;
    TB_TRY(c_.send(imap::status(data.name, status_items(c_.can()))));
    if (c_.can().has("OBJECTID")) TB_TRY(c_.send(imap::status(data.name, kIdItem)));
    if (c_.session().in_flight() >= kStatusInFlight) TB_TRY(c_.drain(stop));
  }
  return c_.drain(stop);
}

bool ImapMailboxes::left_out(const imap::ListData& data) const {
  // In Gmail every message of All Mail but the archived ones is in another mailbox too.
  if (!c_.options().all_mail && c_.can().gmail() && role_by_attributes(data) == sync::Role::All) return true;
  if (c_.options().namespaces || !c_.namespaces || iequals(data.name, "INBOX")) return false;
  // The longest prefix that fits decides; among equals the personal one.
  const auto longest = [&](const std::vector<imap::Namespace>& group) {
    ptrdiff_t best = -1;
    for (const imap::Namespace& each : group) {
      const bool inside =
          data.name.starts_with(each.prefix) || (each.delimiter != '\0' && each.prefix == data.name + each.delimiter);
      if (inside) best = std::max(best, static_cast<ptrdiff_t>(each.prefix.size()));
    }
    return best;
  };
  const ptrdiff_t personal = longest(c_.namespaces->personal);
  return std::max(longest(c_.namespaces->others), longest(c_.namespaces->shared)) > personal;
}

std::optional<ImapBox> ImapMailboxes::make_box(const imap::ListData& data, const Listener& found) {
  const std::string key = key_of(data.name);
  ImapBox box{.wire = data.name};
  auto split = imap::split_name(data.name, data.delimiter, c_.session().utf8_names());
  if (!split.canonical) c_.session().note(imap::Quirk::NameNotCanonical);
  box.mailbox.path = std::move(split.components);
  box.mailbox.role = role_by_attributes(data);
  box.mailbox.selectable = selectable(data);
  box.mailbox.subscribed = data.has("\\Subscribed") || found.subscribed.contains(key);
  box.mailbox.id = sync::encode_path(box.mailbox.path);
  if (const auto status = found.status.find(key); status != found.status.end()) box.fresh = status->second;
  if (!c_.can().has("OBJECTID") || !box.mailbox.selectable) return box;
  // One that has an id elsewhere must not turn up under another one.
  if (!box.fresh || !box.fresh->mailbox_id) {
    troubled_.push_back(troubled(box.mailbox.path, say("{} does not tell its MAILBOXID", c_.host())));
    return std::nullopt;
  }
  box.mailbox.id = *box.fresh->mailbox_id;
  return box;
}

void ImapMailboxes::add(ImapBox box) {
  // Two names that look the same decoded (one of them not canonical): told apart by a digest of the name.
  if (boxes_.contains(box.mailbox.id) || !paths_.insert(box.mailbox.path).second) {
    box.mailbox.path.back() += " ~" + to_hex(sha256(box.wire)).substr(0, 8);
    if (boxes_.contains(box.mailbox.id)) box.mailbox.id = sync::encode_path(box.mailbox.path);
  }
  const sync::BoxId id = box.mailbox.id;
  deleted_.erase(id);
  boxes_.emplace(id, std::move(box));
}

Result<std::unique_ptr<ImapMailboxes::Listener>> ImapMailboxes::hear(const std::stop_token& stop) {
  const auto had_ahead = take_ahead(stop);
  auto found = std::move(ahead_);
  Status status = had_ahead ? Status() : fail(had_ahead.error());
  if (status && !*had_ahead) {
    found = std::make_unique<Listener>(c_);
    c_.listen(found.get());
    status = ask(*found, stop);
  } else if (status && !asked_ahead_.with_status) {
    status = ask_status(*found, stop);
  }
  c_.listen(nullptr);
  if (!status) return std::unexpected(status.error());
  return found;
}

Result<std::vector<sync::Mailbox>> ImapMailboxes::list(std::stop_token stop) {
  TB_ASSIGN(const std::unique_ptr<Listener> heard, hear(stop));
  const Listener& found = *heard;
  boxes_.clear();
  paths_.clear();
  listed_names_.clear();
  troubled_.clear();
  for (const imap::ListData& data : found.lists) {
    if (selectable(data)) listed_names_.insert(key_of(data.name));
    if (data.delimiter != '\0') delimiter_ = data.delimiter;
    if (left_out(data)) continue;
    if (auto box = make_box(data, found)) add(*std::move(box));
  }
  listed_ = true;
  std::vector<sync::Mailbox> all;
  for (const auto& [id, box] : boxes_) all.push_back(box.mailbox);
  add_roles_by_name(all);
  for (const sync::Mailbox& each : all) boxes_[each.id].mailbox.role = each.role;
  for (const auto& [name, why] : found.unreadable) {
    troubled_.push_back(troubled({name}, say("{}: its line in the list can't be read: {}", c_.host(), why)));
  }
  std::ranges::move(troubled_, std::back_inserter(all));
  return all;
}

ImapBox* ImapMailboxes::find(const sync::BoxId& id) {
  const auto found = boxes_.find(id);
  return found == boxes_.end() ? nullptr : &found->second;
}

const ImapBox* ImapMailboxes::find_wire(std::string_view wire) const {
  const std::string key = key_of(wire);
  const auto found = std::ranges::find_if(boxes_, [&](const auto& each) { return key_of(each.second.wire) == key; });
  return found == boxes_.end() ? nullptr : &found->second;
}

ImapBox* ImapMailboxes::by_wire(std::string_view wire) {
  const ImapBox* box = find_wire(wire);
  return box == nullptr ? nullptr : find(box->mailbox.id);
}

bool ImapMailboxes::in_list(std::string_view wire) const { return listed_names_.contains(key_of(wire)); }

std::optional<std::string> ImapMailboxes::guess_wire(const sync::BoxId& id) const {
  if (c_.can().has("OBJECTID")) return std::nullopt;
  const auto wire = imap::join_name(sync::decode_path(id), delimiter_, c_.session().utf8_names());
  return wire ? std::optional(*wire) : std::nullopt;
}

std::optional<std::string> ImapMailboxes::wire_of(const sync::BoxId& id) const {
  const auto found = boxes_.find(id);
  return found == boxes_.end() ? guess_wire(id) : std::optional(found->second.wire);
}

void ImapMailboxes::touched(const sync::BoxId& id) {
  if (ImapBox* box = find(id)) box->fresh.reset();
}

sync::BoxId ImapMailboxes::created(std::string wire, sync::Mailbox mailbox, const std::string& mailbox_id) {
  if (const ImapBox* known = find_wire(wire)) return known->mailbox.id;
  listed_names_.insert(key_of(wire));
  mailbox.id = c_.can().has("OBJECTID") && !mailbox_id.empty() ? mailbox_id : sync::encode_path(mailbox.path);
  ImapBox box{.mailbox = std::move(mailbox), .wire = std::move(wire)};
  const std::string name = box.wire;
  add(std::move(box));
  const ImapBox* made = find_wire(name);
  return made == nullptr ? sync::BoxId() : made->mailbox.id;
}

sync::BoxId ImapMailboxes::renamed(const sync::BoxId& id, const std::string& wire, const sync::Path& path) {
  const auto found = boxes_.find(id);
  if (found == boxes_.end()) return sync::encode_path(path);
  const std::string old_wire = found->second.wire, below = old_wire + delimiter_;
  const size_t depth = found->second.mailbox.path.size();
  std::vector<ImapBox> moved;
  for (auto at = boxes_.begin(); at != boxes_.end();) {
    ImapBox& box = at->second;
    if (box.wire != old_wire && !box.wire.starts_with(below)) {
      ++at;
      continue;
    }
    paths_.erase(box.mailbox.path);
    listed_names_.erase(key_of(box.wire));
    moved.push_back(std::move(box));
    at = boxes_.erase(at);
  }
  sync::BoxId now;
  for (ImapBox& box : moved) {
    const bool itself = box.wire == old_wire, by_path = box.mailbox.id == sync::encode_path(box.mailbox.path);
    box.wire = wire + box.wire.substr(old_wire.size());
    sync::Path whole = path;
    const auto rest = static_cast<ptrdiff_t>(std::min(depth, box.mailbox.path.size()));
    whole.insert(whole.end(), box.mailbox.path.begin() + rest, box.mailbox.path.end());
    box.mailbox.path = std::move(whole);
    if (by_path) box.mailbox.id = sync::encode_path(box.mailbox.path);
    box.fresh.reset();
    if (itself) now = box.mailbox.id;
    listed_names_.insert(key_of(box.wire));
    add(std::move(box));
  }
  return now;
}

std::vector<std::pair<std::string, std::string>> ImapMailboxes::subscribed_below(const std::string& from,
                                                                                 const std::string& to) const {
  std::vector<std::pair<std::string, std::string>> names;
  for (const auto& [id, box] : boxes_) {
    const bool moved = box.wire == to || box.wire.starts_with(to + delimiter_);
    if (moved && box.mailbox.subscribed) names.emplace_back(from + box.wire.substr(to.size()), box.wire);
  }
  return names;
}

void ImapMailboxes::deleted(const sync::BoxId& id) {
  const auto found = boxes_.find(id);
  if (found == boxes_.end()) return;
  paths_.erase(found->second.mailbox.path);
  listed_names_.erase(key_of(found->second.wire));
  boxes_.erase(found);
  deleted_.insert(id);
}

}  // namespace libsync::replicas
