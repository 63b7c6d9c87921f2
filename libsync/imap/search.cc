#include "libsync/imap/search.h"

#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::imap {

Command uid_search(std::string_view criteria, bool extended) {
  std::string text = extended ? "UID SEARCH RETURN (ALL) " : "UID SEARCH ";
  return simple_command(CommandKind::Search, text.append(criteria));
}

Result<Command> search(std::span<const SearchTerm> terms, const SearchOptions& options) {
  CommandBuilder builder(CommandKind::Search, options.uid ? "UID SEARCH" : "SEARCH");
  if (!options.results.empty()) builder.raw(" RETURN (").raw(options.results).raw(")");
  const auto text = [](const SearchTerm& term) { return term.text.value_or(std::string_view()); };
  if (!std::ranges::all_of(terms, [&](const SearchTerm& term) { return is_valid_utf8(text(term)); })) {
    return fail(Errc::Usage, say("what is searched for is not UTF-8"));
  }
  const bool ascii = std::ranges::all_of(terms, [&](const SearchTerm& term) { return is_ascii(text(term)); });
  if (!ascii && !options.utf8) builder.raw(" CHARSET UTF-8");
  for (const SearchTerm& term : terms) {
    builder.raw(" ").raw(term.key);
    if (term.text) builder.string(*term.text);
  }
  return builder.build();
}

bool parse_search(Parser& in, SearchData& out) {
  while (in.space()) {
    if (in.at_end()) return true;
    if (in.ch('(')) {
      if (!iequals(in.atom(), "MODSEQ") || !in.expect_space()) return in.malformed("not MODSEQ");
      out.modseq = in.expect_number();
      if (!out.modseq || !in.expect_ch(')')) return false;
      continue;
    }
    const auto number = in.expect_number32();
    if (!number) return false;
    if (*number == 0) {
      in.note(Quirk::OddSet);
    } else {
      out.all.add(*number);
    }
  }
  return in.at_end() || in.malformed("not a number");
}

namespace {

bool parse_item(Parser& in, std::string_view name, SearchData& out) {
  if (iequals(name, "ALL")) {
    auto set = SequenceSet::parse(in.word(), in.quirks());
    if (!set) return in.malformed("not a set");
    out.all = *std::move(set);
    return true;
  }
  if (iequals(name, "MIN")) return (out.min = in.expect_number32()).has_value();
  if (iequals(name, "MAX")) return (out.max = in.expect_number32()).has_value();
  if (iequals(name, "COUNT")) return (out.count = in.expect_number()).has_value();
  if (iequals(name, "MODSEQ")) return (out.modseq = in.expect_number()).has_value();
  // A set with ':' and ',' is an atom too.
  return in.skip_value();
}

bool parse_correlator(Parser& in, SearchData& out) {
  return in.expect_list([&] {
    std::string key, value;
    if (!in.expect_astring(key) || !in.expect_space() || !in.expect_astring(value)) return false;
    if (iequals(key, "TAG")) out.tag = std::move(value);
    return true;
  });
}

}  // namespace

bool parse_esearch(Parser& in, SearchData& out) {
  out.extended = true;
  while (in.space() && !in.at_end()) {
    if (in.peek() == '(') {
      if (!parse_correlator(in, out)) return false;
      continue;
    }
    const std::string_view name = in.atom();
    if (name.empty()) return in.malformed("not an ESEARCH item");
    if (iequals(name, "UID")) {
      out.uid = true;
      continue;
    }
    if (!in.expect_space() || !parse_item(in, name, out)) return false;
  }
  return in.at_end() || in.malformed("not an ESEARCH item");
}

}  // namespace libsync::imap
