// What a command works with: the global options, the configuration, the streams.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/account/config.h"

#include "tools/twinbox/cli.h"
#include "tools/twinbox/output.h"

namespace twinbox {

struct Globals {
  std::string config;  // --config
  bool json = false, quiet = false, verbose = false, trace = false, color = true;
};

// One command's run. One thread at a time, but for note() and report(), which any thread may call.
class Context {
 public:
  Context(Surroundings& surroundings, Globals globals)
      : surroundings_(surroundings), globals_(std::move(globals)), out_(surroundings.out) {}

  const Globals& globals() const { return globals_; }
  bool json() const { return globals_.json; }
  Output& out() { return out_; }
  Surroundings& around() { return surroundings_; }
  std::stop_token stop() const { return surroundings_.stop; }
  int64_t now() const { return surroundings_.clock.unix_seconds(); }

  std::string config_path() const;
  const libsync::account::Places& places();

  // Read once. Commands that only read what is there may take a missing file as one without accounts.
  libsync::Result<const libsync::account::Config*> config();
  // The account of that name; the error names the nearest.
  libsync::Result<const libsync::account::Account*> account(std::string_view name);
  // Those named, each once, or all when none is; an error when there are none at all.
  libsync::Result<std::vector<const libsync::account::Account*>> accounts(const std::vector<std::string>& names);

  // A remark for the person, on standard error, each with its line end; nothing with --quiet or --json.
  void note(std::string_view text);
  // An error that does not end the command (one account of several); `about` goes before it. With --verbose, its
  // kind and `tried` stand below it.
  void report(const libsync::Error& error, std::string_view about = {}, const std::vector<std::string>& tried = {});
  // All that is printed goes past this board while it is up; null: none is.
  void share(ProgressBoard* board);

 private:
  void complain(std::string text);

  Surroundings& surroundings_;
  Globals globals_;
  Output out_;
  std::optional<libsync::account::Places> places_;
  std::optional<libsync::account::Config> config_;
  std::mutex err_mutex_;
  ProgressBoard* board_ = nullptr;
};

// The exit status of a command that does one thing for several accounts: where all failed alike theirs, and 3, some
// accounts failed, where only some or each in its own way.
int combined_status(const std::vector<int>& statuses);

}  // namespace twinbox
