// A session that does wrong what a script says, and otherwise what the one inside it does.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/server/fault_script.h"
#include "libsync/server/session.h"

namespace libsync::server {

// Commands are handed on one at a time, each when the one before is answered: what a fault does is done to one answer.
class FaultySession final : public Session {
 public:
  struct Options {
    FaultScript script{};
    bool tagged = true;  // IMAP: commands begin with a tag, and have literals
    // `die`: the process is to end. Empty: the connection alone does, without a word.
    std::function<void()> die{};
  };
  FaultySession(std::unique_ptr<Session> inner, Options options);

  void feed(std::string_view bytes, Steady::time_point now) override;
  bool wants_input() const override;
  std::string take_output(Steady::time_point now) override;
  bool wants_tls() const override { return !over_ && !holds() && inner_->wants_tls(); }
  void tls_started(std::vector<sasl::ChannelBinding> bindings, Steady::time_point now) override;
  std::optional<std::string> take_deflate() override;
  Deadline deadline() const override;
  void shut_down(std::string_view why) override { inner_->shut_down(why); }
  bool over() const override { return over_ || (!holds() && inner_->over()); }

 private:
  bool holds() const { return due_.has_value() || !held_.empty(); }
  bool next_command(Steady::time_point now);
  void begin(std::string_view line, Steady::time_point now);
  void answer(std::string_view tag, std::string_view text);
  std::string altered(std::string text);
  std::string take_inner(Steady::time_point now);
  void die();

  std::unique_ptr<Session> inner_;
  const Options options_;
  std::map<std::string, uint64_t, std::less<>> counts_;
  uint64_t count_ = 0;    // of all
  std::string input_;     // not handed on yet
  uint64_t passing_ = 0;  // octets of a literal that go on as they are
  std::string held_;      // an answer that waits
  std::optional<Steady::time_point> due_;
  std::optional<uint64_t> cut_, truncate_;  // octets of this answer that still go out
  int64_t more_size_ = 0, more_uidvalidity_ = 0;
  std::optional<std::string> dies_behind_;  // what its answer begins with; "": anything
  std::string said_;                        // the begin of its last line
  bool over_ = false, in_text_ = false, in_data_ = false;
};

}  // namespace libsync::server
