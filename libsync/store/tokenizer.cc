#include "libsync/store/tokenizer.h"

#include <array>
#include <utility>

#include <sqlite3.h>

#include "libsync/base/words.h"

namespace libsync::store {
namespace {

struct Range {
  char32_t first, last;
};
// Unicode 15 blocks, ascending.
constexpr std::array kUnspaced = {
    Range{0x0E00, 0x0EFF},    // Thai, Lao
    Range{0x1000, 0x109F},    // Myanmar
    Range{0x1100, 0x11FF},    // Hangul Jamo
    Range{0x1780, 0x17FF},    // Khmer
    Range{0x2E80, 0x2FDF},    // CJK and Kangxi radicals
    Range{0x3005, 0x3007},    // 々 〆 〇
    Range{0x3031, 0x3035},    // kana repeat marks
    Range{0x3041, 0x3096},    // Hiragana
    Range{0x3099, 0x309F},    //
    Range{0x30A1, 0x30FA},    // Katakana
    Range{0x30FC, 0x30FF},    //
    Range{0x3105, 0x318E},    // Bopomofo, Hangul compatibility Jamo
    Range{0x31A0, 0x31BF},    // Bopomofo
    Range{0x31F0, 0x31FF},    // Katakana
    Range{0x3400, 0x4DBF},    // Han, extension A
    Range{0x4E00, 0x9FFF},    // Han
    Range{0xA960, 0xA97F},    // Hangul Jamo
    Range{0xAC00, 0xD7FF},    // Hangul
    Range{0xF900, 0xFAFF},    // Han, compatibility
    Range{0xFF66, 0xFFDC},    // halfwidth kana and Hangul
    Range{0x1B000, 0x1B16F},  // kana supplements
    Range{0x20000, 0x323AF},  // Han, extensions B to H
};

struct Character {
  char32_t code;
  size_t length;
};

// Invalid bytes are one character each, of no script.
Character decode(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) -> uint32_t { return static_cast<uint8_t>(text[at + i]); };
  const auto follows = [&](size_t i) { return at + i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead >= 0xC2 && lead < 0xE0 && follows(1)) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead >= 0xE0 && lead < 0xF0 && follows(1) && follows(2)) {
    return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  }
  if (lead >= 0xF0 && lead < 0xF5 && follows(1) && follows(2) && follows(3)) {
    return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
  }
  return {0xFFFD, 1};
}

using Emit = int (*)(void*, int, const char*, int, int, int);

// What one xTokenize call carries along.
struct Walk {
  void* context;
  Emit emit;
  bool query;
  std::string_view text;
  size_t base = 0;          // of the run that unicode61 is at
  std::string_view owed{};  // query: the last character of a run, due if another word follows

  int give(std::string_view token, size_t begin, size_t end, int flags) {
    return emit(context, flags, token.data(), static_cast<int>(token.size()), static_cast<int>(begin),
                static_cast<int>(end));
  }
  // A phrase counts positions, and a run of n characters has n of them: a query that goes on behind a
  // run must count them all, one that ends there need not look the last one up.
  int settle() {
    if (owed.empty()) return SQLITE_OK;
    const auto begin = static_cast<size_t>(owed.data() - text.data());
    return give(std::exchange(owed, {}), begin, begin + 1, 0);
  }
};

int run_of_unspaced(Walk& walk, size_t begin, size_t end) {
  if (const int code = walk.settle(); code != SQLITE_OK) return code;
  size_t at = begin;
  while (at < end) {
    const size_t length = decode(walk.text, at).length;
    const size_t next = at + length;
    const bool pair = next < end;
    const size_t pair_end = pair ? next + decode(walk.text, next).length : next;
    if (!walk.query || (!pair && at == begin)) {
      if (const int code = walk.give(walk.text.substr(at, length), at, next, 0); code != SQLITE_OK) return code;
    }
    if (pair) {
      const int flags = walk.query ? 0 : FTS5_TOKEN_COLOCATED;
      const int code = walk.give(walk.text.substr(at, pair_end - at), at, pair_end, flags);
      if (code != SQLITE_OK) return code;
    } else if (walk.query && at != begin) {
      walk.owed = walk.text.substr(at, length);
    }
    at = next;
  }
  return SQLITE_OK;
}

// unicode61 folds character by character, and one of them becomes two: ß, which is written SS in capitals. (ẞ has
// become ß before.)
constexpr std::string_view kSharpS = "ß";

void unfold_sharp_s(std::string& word) {
  for (size_t at = word.find(kSharpS); at != word.npos; at = word.find(kSharpS, at)) {
    word.replace(at, kSharpS.size(), "ss");
  }
}

int pass_on(void* context, int flags, const char* token, int size, int begin, int end) {
  auto& walk = *static_cast<Walk*>(context);
  if (const int code = walk.settle(); code != SQLITE_OK) return code;
  std::string_view word(token, static_cast<size_t>(size));
  std::string folded;
  if (word.find(kSharpS) != word.npos) {
    folded = word;
    unfold_sharp_s(folded);
    word = folded;
  }
  return walk.give(word, walk.base + static_cast<size_t>(begin), walk.base + static_cast<size_t>(end), flags);
}

struct Unicode61 {
  fts5_tokenizer module{};
  Fts5Tokenizer* instance = nullptr;

  Unicode61() = default;
  Unicode61(const Unicode61&) = delete;
  Unicode61& operator=(const Unicode61&) = delete;
  ~Unicode61() {
    if (instance != nullptr) module.xDelete(instance);
  }
  int open(fts5_api* api) {
    void* user = nullptr;
    if (const int code = api->xFindTokenizer(api, "unicode61", &user, &module); code != SQLITE_OK) return code;
    std::array<const char*, 2> arguments = {"remove_diacritics", "2"};
    return module.xCreate(user, arguments.data(), static_cast<int>(arguments.size()), &instance);
  }
};

int tokenize(Unicode61& inner, int flags, Walk& walk) {
  size_t at = 0;
  while (at < walk.text.size()) {
    const size_t begin = at;
    const bool unspaced = is_unspaced(decode(walk.text, at).code);
    while (at < walk.text.size()) {
      const Character c = decode(walk.text, at);
      if (is_unspaced(c.code) != unspaced) break;
      at += c.length;
    }
    int code = SQLITE_OK;
    if (unspaced) {
      code = run_of_unspaced(walk, begin, at);
    } else {
      walk.base = begin;
      code = inner.module.xTokenize(inner.instance, &walk, flags, walk.text.data() + begin,
                                    static_cast<int>(at - begin), pass_on);
    }
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

// --- the C side ---

int create(void* api, const char** /*arguments*/, int /*count*/, Fts5Tokenizer** out) {
  auto inner = std::make_unique<Unicode61>();
  if (const int code = inner->open(static_cast<fts5_api*>(api)); code != SQLITE_OK) return code;
  *out = reinterpret_cast<Fts5Tokenizer*>(inner.release());
  return SQLITE_OK;
}

void destroy(Fts5Tokenizer* tokenizer) { delete reinterpret_cast<Unicode61*>(tokenizer); }

int tokenize_for_fts(Fts5Tokenizer* tokenizer, void* context, int flags, const char* text, int size, Emit emit) {
  Walk walk{.context = context,
            .emit = emit,
            .query = (flags & FTS5_TOKENIZE_QUERY) != 0,
            .text = {text == nullptr ? "" : text, static_cast<size_t>(size)}};
  return tokenize(*reinterpret_cast<Unicode61*>(tokenizer), flags, walk);
}

Result<fts5_api*> find_api(Db& db) {
  fts5_api* api = nullptr;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db.handle(), "SELECT fts5(?1)", -1, &statement, nullptr) == SQLITE_OK) {
    sqlite3_bind_pointer(statement, 1, static_cast<void*>(&api), "fts5_api_ptr", nullptr);
    sqlite3_step(statement);
  }
  sqlite3_finalize(statement);
  if (api == nullptr) return fail(Errc::Internal, std::string(word("SQLite is built without FTS5")));
  return api;
}

}  // namespace

std::string join_unspaced_lines(std::string_view text) {
  std::string joined;
  joined.reserve(text.size());
  size_t from = 0;
  for (size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) {
    size_t end = at > from && text[at - 1] == '\r' ? at - 1 : at;
    size_t last = end;
    while (last > from && end - last < 4 && (static_cast<uint8_t>(text[--last]) & 0xC0) == 0x80) continue;
    const bool joins = last < end && at + 1 < text.size() && is_unspaced(decode(text, last).code) &&
                       is_unspaced(decode(text, at + 1).code);
    if (!joins) end = at + 1;
    joined += text.substr(from, end - from);
    from = at + 1;
  }
  joined += text.substr(from);
  return joined;
}

bool is_unspaced(char32_t c) {
  if (c < kUnspaced.front().first) return false;
  for (const Range& range : kUnspaced) {
    if (c < range.first) return false;
    if (c <= range.last) return true;
  }
  return false;
}

Status register_tokenizer(Db& db) {
  TB_ASSIGN(fts5_api * api, find_api(db));
  fts5_tokenizer module{.xCreate = create, .xDelete = destroy, .xTokenize = tokenize_for_fts};
  if (api->xCreateTokenizer(api, "twinbox", api, &module, nullptr) != SQLITE_OK) {
    return fail(db.error(word("cannot register the tokenizer")));
  }
  return {};
}

struct Tokens::Inner {
  Unicode61 unicode;
};

Tokens::Tokens(std::unique_ptr<Inner> inner) : inner_(std::move(inner)) {}
Tokens::~Tokens() = default;

Result<std::unique_ptr<Tokens>> Tokens::make(Db& db) {
  TB_ASSIGN(fts5_api * api, find_api(db));
  auto inner = std::make_unique<Inner>();
  if (inner->unicode.open(api) != SQLITE_OK) return fail(db.error(word("cannot make a tokenizer")));
  return std::unique_ptr<Tokens>(new Tokens(std::move(inner)));
}

void Tokens::split(std::string_view text, TokenizeFor what, const std::function<bool(const Token&)>& each) {
  const auto emit = [](void* context, int flags, const char* token, int size, int begin, int end) {
    const Token value{.text = {token, static_cast<size_t>(size)},
                      .begin = static_cast<size_t>(begin),
                      .end = static_cast<size_t>(end),
                      .colocated = (flags & FTS5_TOKEN_COLOCATED) != 0};
    return (*static_cast<const std::function<bool(const Token&)>*>(context))(value) ? SQLITE_OK : SQLITE_DONE;
  };
  const bool query = what == TokenizeFor::Query;
  Walk walk{.context = const_cast<void*>(static_cast<const void*>(&each)), .emit = emit, .query = query, .text = text};
  tokenize(inner_->unicode, query ? FTS5_TOKENIZE_QUERY : FTS5_TOKENIZE_DOCUMENT, walk);
}

}  // namespace libsync::store
