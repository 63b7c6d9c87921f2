#include "libsync/account/config_edit.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "libsync/account/toml_tree.h"
#include "libsync/base/nearest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::account {
namespace {

std::vector<std::string_view> split_lines(std::string_view text) {  // each with its line end
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

struct Header {
  uint32_t line;  // from 1
  bool ours;      // belongs to the account to remove
};

// Lines on which a [table] or [[table]] begins. A dotted key makes a table too, but its line does not
// begin with a bracket.
void collect_headers(const TomlNode& node, bool ours, std::string_view name, int depth,
                     std::span<const std::string_view> lines, std::vector<Header>& out) {
  if (node.kind == TomlNode::Kind::List) {
    for (const TomlNode& item : node.items) collect_headers(item, ours, name, depth + 1, lines, out);
    return;
  }
  if (node.kind != TomlNode::Kind::Table || node.is_inline) return;
  const uint32_t line = node.at.line;
  if (line > 0 && line <= lines.size() && trim(lines[line - 1]).starts_with('[')) out.push_back({line, ours});
  for (const TomlEntry& entry : node.entries) {
    const bool inside = ours || (depth == 1 && entry.key == name);
    // depth 0 is the document, 1 its "account" table.
    if (depth == 0 && entry.key != "account") {
      collect_headers(entry.value, false, name, 100, lines, out);
    } else {
      collect_headers(entry.value, inside, name, depth + 1, lines, out);
    }
  }
}

// The document and the implicit "account" table begin where their first header does: one entry a line.
void merge_lines(std::vector<Header>& headers) {
  std::ranges::sort(headers, {}, &Header::line);
  std::vector<Header> merged;
  for (const Header& header : headers) {
    if (merged.empty() || merged.back().line != header.line) {
      merged.push_back(header);
    } else {
      merged.back().ours = merged.back().ours || header.ours;
    }
  }
  headers = std::move(merged);
}

bool is_comment_or_blank(std::string_view line) { return trim(line).empty() || trim(line).starts_with('#'); }

// The section's own lines: up to the next header, without the comments that stand before that one.
uint32_t section_end(uint32_t begin, uint32_t next, std::span<const std::string_view> lines) {
  uint32_t end = next;
  while (end > begin + 1 && is_comment_or_blank(lines[end - 2])) --end;
  // One blank line went with the section; the ones before the next header keep their place.
  return end;
}

// What both readings must agree on, apart from the account in question.
bool same_accounts(const Config& a, const Config& b, std::string_view but) {
  const auto rest = [&](const Config& c) {
    std::vector<std::string> out;
    for (const Account& x : c.accounts) {
      if (x.name != but)
        out.push_back(fmt::format("{} {} {} {}", x.name, to_url(x.remote), x.store, x.password_command));
    }
    return out;
  };
  return a.jobs == b.jobs && rest(a) == rest(b);
}

// Two accounts in one store would each take the other's mail for removed.
Status check_store(const Config& before, std::string_view table, const std::string& path, const Places& places) {
  TB_ASSIGN(const Config added, parse_config(table, path, places, true));
  const auto folder = [](const Account& account) { return std::filesystem::path(account.store).lexically_normal(); };
  for (const Account& account : added.accounts) {
    const auto other = std::ranges::find(before.accounts, folder(account), folder);
    if (other == before.accounts.end()) continue;
    return fail(Error{.code = Errc::Usage,
                      .what = say("{} is the store of account {}", shorten_path(account.store, places), other->name),
                      .hint = say("give this one a folder of its own: --store DIR")});
  }
  return {};
}

std::string line_end_of(std::string_view text) {
  const size_t at = text.find('\n');
  return at != text.npos && at > 0 && text[at - 1] == '\r' ? "\r\n" : "\n";
}

}  // namespace

std::string toml_quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

Result<std::string> add_account(std::string_view text, const NewAccount& account, const std::string& path,
                                const Places& places) {
  TB_TRY(check_account_name(account.name));
  TB_ASSIGN(const Config before, parse_config(text, path, places, true));
  if (const Account* there = before.find(account.name)) {
    return fail(Error{.code = Errc::Usage,
                      .what = say("account {} is already there (line {})", account.name, there->line),
                      .hint = say("edit {}, or remove it first: twinbox account remove {}", shorten_path(path, places),
                                  account.name)});
  }
  const std::string eol = line_end_of(text);
  std::string out(text);
  if (!out.empty() && !out.ends_with('\n')) out += eol;
  if (!out.empty()) out += eol;
  // A dot in a bare key would make two tables of it.
  const std::string key = account.name.contains('.') ? toml_quote(account.name) : account.name;
  std::string table = fmt::format("[account.{}]{}", key, eol);
  for (const auto& [name, value] : account.values) table += fmt::format("{} = {}{}", name, value, eol);
  TB_TRY(check_options(table, path, places));
  TB_TRY(check_store(before, table, path, places));
  out += table;
  TB_ASSIGN(const Config after, parse_config(out, path, places, true));
  if (after.find(account.name) == nullptr || !same_accounts(before, after, account.name)) {
    return fail(Errc::Config, say("{}: the file is written in a way that can't be added to", path));
  }
  return out;
}

Result<std::string> remove_account(std::string_view text, std::string_view name, const std::string& path,
                                   const Places& places) {
  TB_ASSIGN(const Config before, parse_config(text, path, places, true));
  TB_ASSIGN(const Account* const account, find_account(before, name));
  TB_ASSIGN(const TomlNode document, parse_toml(text, path));
  const auto lines = split_lines(text);
  std::vector<Header> headers;
  collect_headers(document, false, name, 0, lines, headers);
  merge_lines(headers);
  std::string out;
  uint32_t at = 1;  // first line not yet copied
  const auto copy_to = [&](uint32_t end) {
    for (; at < end; ++at) out += lines[at - 1];
  };
  for (size_t i = 0; i < headers.size(); ++i) {
    if (!headers[i].ours) continue;
    const auto next = i + 1 < headers.size() ? headers[i + 1].line : static_cast<uint32_t>(lines.size()) + 1;
    copy_to(headers[i].line);
    at = std::max(at, section_end(headers[i].line, next, lines));
    // The blank line before the section would double the one behind it.
    if (at <= lines.size() && trim(lines[at - 1]).empty() && (out.empty() || out.ends_with("\n\n"))) ++at;
  }
  copy_to(static_cast<uint32_t>(lines.size()) + 1);
  while (out.ends_with("\n\n")) out.pop_back();
  if (trim(out).empty()) out.clear();
  const auto after = parse_config(out, path, places, true);
  if (!after || after->find(name) != nullptr || !same_accounts(before, *after, name)) {
    return fail(config_error(path, {account->line, 1}, say("account {} is not a table of its own", name),
                             say("remove it with an editor")));
  }
  return out;
}

Status edit_config(FileSystem& fs, const std::string& path,
                   const std::function<Result<std::string>(std::string_view text)>& edit) {
  std::error_code error;
  auto target = std::filesystem::weakly_canonical(path, error);
  if (error) target = path;
  auto text = read_file(fs, target.string(), kMaxConfigBytes);
  if (!text && text.error().code != Errc::NotFound) return fail(std::move(text).error());
  TB_ASSIGN(const std::string changed, edit(text ? *text : std::string()));
  if (target.has_parent_path()) TB_TRY(fs.make_dirs(target.parent_path().string()));
  Status written = write_file_atomically(fs, target.string(), changed);
  if (!written && written.error().code == Errc::Disk && written.error().hint.empty()) {
    written.error().hint =
        say("the configuration was not changed: see who may write into {}", target.parent_path().string());
  }
  return written;
}

}  // namespace libsync::account
