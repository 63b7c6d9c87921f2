// A session's transcript, fed in every way that a network may bring it: whole, octet by octet, cut in two at every
// place, and ended at every place. One helper for the IMAP and the POP3 session, which see no sockets.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "libsync/base/result.h"

namespace libsync::testing {

// One talk with a session. Made anew for each way of feeding.
class Talker {
 public:
  virtual ~Talker() = default;
  // What the client does once all of the server's turn `turn` has come (0: the greeting); output is collected.
  virtual void act(size_t turn) = 0;
  virtual Status feed(std::string_view bytes) = 0;
  virtual Status closed() = 0;  // the peer ended the connection: an error unless all was answered
  // What was heard, and what was said: neither may depend on the cuts.
  virtual std::string heard() const = 0;
  virtual std::string said() const = 0;
};

struct Transcript {
  std::vector<std::string> turns;  // turns[n]: what the server says before the client's act(n)
  std::function<std::unique_ptr<Talker>()> make;

  size_t size() const {
    size_t total = 0;
    for (const auto& turn : turns) total += turn.size();
    return total;
  }

  // Feeds `end` octets of the whole, in pieces: one ends before octet `at` where cut(at) says so, and at a turn's end.
  std::unique_ptr<Talker> feed(size_t end, const std::function<bool(size_t at)>& cut) const {
    auto talker = make();
    size_t at = 0, given = 0;
    for (size_t turn = 0; turn < turns.size(); ++turn) {
      std::string piece;
      for (const char octet : turns[turn]) {
        if (at == end) break;
        if (!piece.empty() && cut(at)) {
          EXPECT_TRUE(talker->feed(piece)) << "turn " << turn;
          piece.clear();
        }
        piece += octet;
        ++at;
      }
      if (!piece.empty()) {
        EXPECT_TRUE(talker->feed(piece)) << "turn " << turn;
      }
      given += turns[turn].size();
      if (at < given) return talker;  // ended within this turn
      talker->act(turn);
    }
    return talker;
  }

  // Fed in every way, it is the same talk; ended anywhere, it is the beginning of it, and an error.
  void check(std::string_view expected) const {
    const size_t whole = size();
    const auto once = feed(whole, [](size_t) { return false; });
    EXPECT_EQ(once->heard(), expected);
    EXPECT_TRUE(once->closed()) << "all was answered";
    const auto same = [&](const Talker& other, std::string_view how, size_t place) {
      EXPECT_EQ(other.heard(), expected) << how << place;
      EXPECT_EQ(other.said(), once->said()) << how << place;
    };
    same(*feed(whole, [](size_t) { return true; }), "octet by octet ", 0);
    for (size_t place = 1; place < whole; ++place) {
      same(*feed(whole, [&](size_t at) { return at == place; }), "cut at ", place);
    }
    for (size_t place = 0; place < whole; ++place) {
      const auto begun = feed(place, [](size_t) { return false; });
      EXPECT_TRUE(expected.starts_with(begun->heard())) << "ended at " << place << ": " << begun->heard();
      EXPECT_TRUE(std::string_view(once->said()).starts_with(begun->said())) << "ended at " << place;
      EXPECT_FALSE(begun->closed()) << "ended at " << place;
    }
  }
};

}  // namespace libsync::testing
