#include "libsync/store/snippet.h"

#include <algorithm>

#include "libsync/base/text.h"

namespace libsync::store {
namespace {

constexpr size_t kBefore = 40;   // bytes shown before the first match
constexpr size_t kLength = 200;  // bytes in all

bool inside_character(std::string_view text, size_t at) {
  return at < text.size() && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Appends a piece of text, white space drawn together, fit to print.
void append_piece(std::string_view piece, std::string& out) {
  std::string flat;
  for (const char c : piece) {
    if (!is_space(c)) {
      flat += c;
    } else if (!flat.empty() ? flat.back() != ' ' : (!out.empty() && out.back() != ' ')) {
      flat += ' ';
    }
  }
  out += printable(flat, flat.size() * 3);
}

}  // namespace

SnippetMaker::SnippetMaker(Tokens& tokens, const SearchQuery& query) : tokens_(tokens) {
  for (const SearchTerm& term : query.terms) {
    if (term.negated) continue;
    auto& list = term.prefix ? prefixes_ : words_;
    tokens.split(term.text, TokenizeFor::Query, [&](const Token& token) {
      list.emplace_back(token.text);
      return true;
    });
  }
  std::ranges::sort(words_);
}

bool SnippetMaker::wanted(std::string_view token) const {
  return std::ranges::binary_search(words_, token) ||
         std::ranges::any_of(prefixes_, [&](const std::string& prefix) { return token.starts_with(prefix); });
}

Snippet SnippetMaker::make(std::string_view text) const {
  std::vector<Mark> found;  // in `text`, overlapping ones joined
  size_t end = std::min(text.size(), kLength);
  size_t begin = 0;
  tokens_.split(text, TokenizeFor::Document, [&](const Token& token) {
    if (!found.empty() && token.begin >= end) return false;
    if (!wanted(token.text)) return true;
    if (found.empty()) {
      begin = token.begin > kBefore ? token.begin - kBefore : 0;
      end = std::min(text.size(), begin + kLength);
    }
    if (token.end > end) return true;
    if (!found.empty() && token.begin <= found.back().offset + found.back().length) {
      found.back().length = std::max(found.back().length, token.end - found.back().offset);
    } else {
      found.push_back({.offset = token.begin, .length = token.end - token.begin});
    }
    return true;
  });
  while (inside_character(text, begin)) ++begin;
  while (end > begin && inside_character(text, end)) --end;

  Snippet snippet;
  size_t at = begin;
  for (const Mark& mark : found) {
    if (mark.offset < at || mark.offset + mark.length > end) continue;
    append_piece(text.substr(at, mark.offset - at), snippet.text);
    const size_t start = snippet.text.size();
    append_piece(text.substr(mark.offset, mark.length), snippet.text);
    snippet.marks.push_back({.offset = start, .length = snippet.text.size() - start});
    at = mark.offset + mark.length;
  }
  append_piece(text.substr(at, end - at), snippet.text);
  while (snippet.text.ends_with(' ')) snippet.text.pop_back();
  return snippet;
}

}  // namespace libsync::store
