#include "tools/twinbox/bench_corpus.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <unordered_set>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace twinbox {

namespace stdfs = std::filesystem;
namespace store = libsync::store;
using libsync::Errc;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::Status;

namespace {

constexpr size_t kMaxFiles = 1'000'000;  // names held to be sorted: some 100 MB
constexpr int kMaxDepth = 32;            // of folders; mailboxes are not nested deeper
constexpr std::string_view kFrom = "From ";

std::unexpected<libsync::Error> interrupted() { return fail(Errc::Cancelled, say("interrupted")); }
std::unexpected<libsync::Error> unreadable(const std::string& path, const std::error_code& error) {
  const bool missing = error == std::errc::no_such_file_or_directory;
  return fail(missing ? Errc::NotFound : Errc::Disk, say("{}: {}", libsync::printable(path), error.message()));
}

std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32);
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out += text.substr(0, end);
    if (end == text.size()) break;
    out += end > 0 && text[end - 1] == '\r' ? "\n" : "\r\n";
    text.remove_prefix(end + 1);
  }
  return out;
}

// The beginning of a file, at most `max` octets of it.
Result<std::string> beginning(libsync::FileSystem& fs, const std::string& path, uint64_t max, bool& all) {
  TB_ASSIGN(auto file, fs.open(path, libsync::OpenMode::Read));
  TB_ASSIGN(const uint64_t size, file->size());
  all = size <= max;
  std::string octets(std::min(size, max), '\0');
  TB_ASSIGN(const size_t got, file->read_at(0, octets));
  octets.resize(got);
  return octets;
}

// mboxrd: a line of '>' and "From " lost one '>' when it was quoted. (In the older mboxo a line that had a '>' of its
// own loses it; for a measurement that is nothing.)
std::string_view unquoted(std::string_view line) {
  const size_t arrows = std::min(line.find_first_not_of('>'), line.size());
  return arrows > 0 && line.substr(arrows).starts_with(kFrom) ? line.substr(1) : line;
}

// A message begins at a "From " line behind an empty line. `all` false: the last one may be a part of one.
void split_mbox(std::string_view text, bool all, const CorpusLimits& limits, Corpus& corpus) {
  std::string message;
  bool behind_empty = true, begun = false;
  const auto end_message = [&] {
    if (behind_empty && !message.empty()) message.resize(message.size() - 2);  // the empty line is the mbox's
    const bool taken = corpus.add(message, limits);
    message.clear();
    return taken;
  };
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    if (behind_empty && line.starts_with(kFrom)) {
      if (begun && !end_message()) return;
      begun = true;
    } else {
      const std::string_view bare = unquoted(line);
      message += bare.substr(0, bare.find_last_not_of("\r\n") + 1);
      message += "\r\n";
    }
    behind_empty = line == "\n" || line == "\r\n";
  }
  if (all) {
    (void)end_message();
  } else {
    corpus.cut = true;
  }
}

Status read_one_file(libsync::FileSystem& fs, const std::string& path, const CorpusLimits& limits, Corpus& corpus) {
  bool all = true;
  TB_ASSIGN(const std::string octets, beginning(fs, path, limits.octets, all));
  if (octets.starts_with(kFrom)) {
    split_mbox(octets, all, limits, corpus);
  } else if (all) {
    (void)corpus.add(octets, limits);
  } else {
    corpus.cut = true;
  }
  return {};
}

bool is_mail_file(const stdfs::path& path) {
  const stdfs::path folder = path.parent_path().filename();
  return folder == "cur" || folder == "new" || path.extension() == ".eml";
}

Result<std::vector<std::string>> mail_files(const std::string& folder, bool& cut, const std::stop_token& stop) {
  std::vector<std::string> out;
  std::error_code error;
  for (stdfs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (stop.stop_requested()) return interrupted();
    if (it.depth() >= kMaxDepth) it.disable_recursion_pending();
    std::error_code gone;  // what went meanwhile is no regular file
    if (!stdfs::is_regular_file(it->symlink_status(gone)) || !is_mail_file(it->path())) continue;
    cut = out.size() == kMaxFiles;
    if (cut) break;
    out.push_back(it->path().string());
  }
  if (error) return unreadable(folder, error);
  std::ranges::sort(out);
  return out;
}

Status read_folder(libsync::FileSystem& fs, const std::string& path, const CorpusLimits& limits,
                   const std::stop_token& stop, Corpus& corpus) {
  TB_ASSIGN(const auto files, mail_files(path, corpus.cut, stop));
  for (const std::string& file : files) {
    if (stop.stop_requested()) return interrupted();
    bool all = true;
    const auto octets = beginning(fs, file, limits.octets, all);
    if (!octets && octets.error().code == Errc::NotFound) continue;  // a mail program moved it from new to cur
    TB_TRY(octets);
    if (!all) corpus.cut = true;
    if (!all || !corpus.add(*octets, limits)) break;
  }
  return {};
}

Result<Corpus> not_empty(Corpus corpus, const std::string& name, const CorpusLimits& limits) {
  if (!corpus.messages.empty()) return corpus;
  if (corpus.cut) {
    return fail(Errc::Limit, say("{}: the first message is larger than {}, more than is measured with", name,
                                 libsync::human_size(limits.octets)));
  }
  return fail(Errc::NotFound, say("{}: no message in it", name));
}

}  // namespace

bool Corpus::add(std::string_view octets_as_found, const CorpusLimits& limits) {
  if (octets_as_found.empty()) return true;
  std::string message = with_crlf(octets_as_found);
  if (messages.size() >= limits.messages || message.size() > limits.octets - std::min(limits.octets, octets)) {
    cut = true;
    return false;
  }
  octets += message.size();
  messages.push_back(std::move(message));
  return true;
}

Result<Corpus> read_corpus(libsync::FileSystem& fs, const std::string& path, const CorpusLimits& limits,
                           const std::stop_token& stop) {
  std::error_code error;
  const auto status = stdfs::status(path, error);
  if (error || !stdfs::exists(status)) return unreadable(path, error);
  Corpus corpus{.name = path};
  if (stdfs::is_directory(status)) {
    TB_TRY(read_folder(fs, path, limits, stop, corpus));
  } else if (stdfs::is_regular_file(status)) {
    TB_TRY(read_one_file(fs, path, limits, corpus));
  } else {
    return fail(Errc::Usage, say("{}: neither a file nor a folder", libsync::printable(path)));
  }
  return not_empty(std::move(corpus), libsync::printable(path), limits);
}

Result<Corpus> store_corpus(store::Store& from, std::string name, const CorpusLimits& limits,
                            const std::stop_token& stop) {
  Corpus corpus{.name = std::move(name)};
  std::unordered_set<store::ContentId> seen;
  Status read;
  TB_TRY(from.list({}, [&](const store::MessageInfo& message) {
    if (stop.stop_requested()) read = interrupted();
    if (!read) return false;
    if (!seen.insert(message.content).second) return true;
    if (message.size > limits.octets) {
      corpus.cut = true;
      return false;
    }
    const auto octets = from.content(message.content, limits.octets);
    if (octets) return corpus.add(*octets, limits);
    if (octets.error().code == Errc::Corrupt) {
      ++corpus.passed_over;
    } else {
      read = fail(octets.error());
    }
    return read.has_value();
  }));
  TB_TRY(read);
  const std::string about = corpus.name;
  return not_empty(std::move(corpus), about, limits);
}

}  // namespace twinbox
