#include "libsync/imap/response.h"

#include "libsync/base/text.h"

namespace libsync::imap {
namespace {

struct Context {
  Parser& in;
  Capabilities& capabilities;
  Scratch& scratch;
  Handler& handler;
  uint64_t number = 0;  // before the name, in EXISTS and the like
};

// Parses and, when that worked, hands over.
template <class Data>
using Parse = bool (*)(Parser&, Data&);
template <class Data, Parse<Data> parse, void (Handler::*deliver)(const Data&)>
bool simple(Context& context) {
  Data data;
  if (!parse(context.in, data)) return false;
  (context.handler.*deliver)(data);
  return true;
}

bool status_line(Context& context) {
  StatusLine line;
  if (!parse_status_line(context.in, line)) return false;
  if (line.code == Code::Capability) {
    context.capabilities.clear();
    for (const std::string_view name : line.words) context.capabilities.add(name, context.in.quirks());
  }
  context.handler.on_status(line);
  return true;
}

bool capability_line(Context& context) {
  Capabilities fresh;
  if (!parse_capability(context.in, fresh)) return false;
  context.capabilities = std::move(fresh);
  context.handler.on_capability(context.capabilities);
  return true;
}

bool enabled_line(Context& context) {
  std::vector<std::string_view> names;
  while (context.in.space()) {
    const std::string_view name = context.in.atom();
    if (!name.empty()) names.push_back(name);
  }
  context.handler.on_enabled(names);
  return true;
}

bool flags_line(Context& context) {
  FlagList flags;
  if (!context.in.expect_space() || !parse_flag_list(context.in, flags)) return false;
  context.handler.on_flags(flags);
  return true;
}

bool lsub_line(Context& context) {
  ListData data{.lsub = true};
  if (!parse_list(context.in, data)) return false;
  context.handler.on_list(data);
  return true;
}

bool fetch_line(Context& context) {
  FetchData& data = context.scratch.fetch;
  data.clear();
  data.number = static_cast<uint32_t>(context.number);
  if (!parse_fetch(context.in, data)) return false;
  for (const BodySection& body : data.bodies) {
    if (body.content.kind != Text::Kind::Here) continue;
    context.handler.on_body_begin(
        {.number = data.number, .uid = data.uid.value_or(0), .section = body.section, .size = body.content.size});
    context.handler.on_body_data(body.content.text);
    context.handler.on_body_end();
  }
  context.handler.on_fetch(data);
  return true;
}

bool exists_line(Context& context) { return context.handler.on_exists(context.number), true; }
bool recent_line(Context& context) { return context.handler.on_recent(context.number), true; }
bool expunge_line(Context& context) { return context.handler.on_expunge(context.number), true; }

struct Row {
  std::string_view name;
  bool numbered;      // "* 5 NAME"
  bool before_login;  // may be listened to
  bool (*read)(Context&);
};

constexpr Row kResponses[] = {
    {"FETCH", true, false, fetch_line},
    {"EXISTS", true, false, exists_line},
    {"RECENT", true, false, recent_line},
    {"EXPUNGE", true, false, expunge_line},
    {"VANISHED", false, false, simple<VanishedData, parse_vanished, &Handler::on_vanished>},
    {"OK", false, true, status_line},
    {"NO", false, true, status_line},
    {"BAD", false, true, status_line},
    {"BYE", false, true, status_line},
    {"CAPABILITY", false, true, capability_line},
    {"ENABLED", false, false, enabled_line},
    {"ID", false, false, simple<IdFields, parse_id, &Handler::on_id>},
    {"NAMESPACE", false, false, simple<Namespaces, parse_namespace, &Handler::on_namespace>},
    {"LIST", false, false, simple<ListData, parse_list, &Handler::on_list>},
    {"XLIST", false, false, simple<ListData, parse_list, &Handler::on_list>},
    {"LSUB", false, false, lsub_line},
    {"STATUS", false, false, simple<StatusData, parse_status, &Handler::on_mailbox_status>},
    {"SEARCH", false, false, simple<SearchData, parse_search, &Handler::on_search>},
    {"ESEARCH", false, false, simple<SearchData, parse_esearch, &Handler::on_search>},
    {"FLAGS", false, false, flags_line},
};

// Where the name of a status condition starts: parse_status_line reads it itself.
bool reads_own_name(const Row& row) { return row.read == status_line; }

}  // namespace

void dispatch_untagged(const Frame& frame, bool logged_in, Capabilities& capabilities, Scratch& scratch, Quirks& quirks,
                       Handler& handler) {
  Parser in(frame, quirks);
  in.seek(1);
  if (!in.expect_space()) return handler.on_malformed(frame.text, in.why());
  const bool digit = in.peek() >= '0' && in.peek() <= '9';
  const auto number = digit ? in.expect_number32() : std::optional<uint32_t>();
  if (digit && (!number || !in.expect_space())) return handler.on_malformed(frame.text, in.why());
  const size_t name_at = in.offset();
  const std::string_view name = in.word();
  for (const Row& row : kResponses) {
    if (row.numbered != digit || !iequals(row.name, name)) continue;
    if (!logged_in && !row.before_login) return;
    if (reads_own_name(row)) in.seek(name_at);
    Context context{in, capabilities, scratch, handler, number.value_or(0)};
    if (!row.read(context)) handler.on_malformed(frame.text, in.why());
    return;
  }
  if (logged_in) handler.on_unknown(frame.text);
}

}  // namespace libsync::imap
