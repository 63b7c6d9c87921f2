// A replica lent to a session: passes every call on to one that lives longer. Tests override what they
// want to see or break.
#pragma once

#include "libsync/sync/replica.h"

namespace twinbox::test {

class LentReplica : public libsync::sync::Replica {
 public:
  explicit LentReplica(libsync::sync::Replica& real) : real_(real) {}
  libsync::sync::Capabilities capabilities() const override { return real_.capabilities(); }
  std::string identity() const override { return real_.identity(); }
  libsync::Result<std::vector<libsync::sync::Mailbox>> mailboxes(std::stop_token stop) override {
    return real_.mailboxes(std::move(stop));
  }
  libsync::Status changes(std::span<const libsync::sync::BoxCursor> cursors, libsync::sync::ChangeSink& sink,
                          std::stop_token stop) override {
    return real_.changes(cursors, sink, std::move(stop));
  }
  libsync::Status fetch(std::span<const libsync::sync::FetchItem> items, libsync::sync::MessageSink& sink,
                        std::stop_token stop) override {
    return real_.fetch(items, sink, std::move(stop));
  }
  std::unique_ptr<libsync::sync::ContentSource> prepare(std::string_view octets) override {
    return real_.prepare(octets);
  }
  libsync::Status apply(std::span<const libsync::sync::Action> actions, libsync::sync::ActionSink& sink,
                        std::stop_token stop) override {
    return real_.apply(actions, sink, std::move(stop));
  }
  libsync::Result<std::vector<libsync::sync::BoxId>> wait(libsync::Deadline deadline, std::stop_token stop) override {
    return real_.wait(deadline, std::move(stop));
  }
  libsync::Status finish(libsync::sync::ActionSink& sink, std::stop_token stop) override {
    return real_.finish(sink, std::move(stop));
  }

 protected:
  libsync::sync::Replica& real_;
};

}  // namespace twinbox::test
