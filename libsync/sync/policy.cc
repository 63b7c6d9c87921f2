#include "libsync/sync/policy.h"

namespace libsync::sync {
namespace {

bool takes_changes(const Capabilities& remote) {
  return remote.folders && remote.flags && remote.append && remote.remove;
}

Can either(const Can& one, const Can& other) {
  return {.create_box = one.create_box || other.create_box,
          .rename_box = one.rename_box || other.rename_box,
          .delete_box = one.delete_box || other.delete_box,
          .add = one.add || other.add,
          .flags = one.flags || other.flags,
          .move = one.move || other.move,
          .remove = one.remove || other.remove,
          .to_trash = one.to_trash || other.to_trash,
          .keeps_flags = one.keeps_flags || other.keeps_flags};
}

}  // namespace

Policy mirror_policy(const Capabilities& remote, Leave leave) {
  Policy policy;
  policy.leave = leave;
  policy.can[index(Side::A)] = Can::nothing();
  // A maildrop has no folders and no flags; that a message left it says nothing about the copy here.
  policy.can[index(Side::B)] = remote.folders ? Can::everything() : Can::only_add();
  return policy;
}

Policy two_way_policy(const Capabilities& remote, Leave leave) {
  Policy policy = mirror_policy(remote, leave);
  if (takes_changes(remote)) {
    policy.can[index(Side::A)] = Can::everything();
  } else {
    policy.keeps_flags = true;
  }
  return policy;
}

Policy push_policy(const Capabilities& remote) {
  Policy policy;
  policy.can[index(Side::A)] = takes_changes(remote) ? Can::everything() : Can::nothing();
  return policy;
}

Policy archive_policy(const Capabilities& remote, Leave leave) {
  Policy policy = mirror_policy(remote, leave);
  if (remote.folders) policy.can[index(Side::B)] = Can::no_removals();
  return policy;
}

Policy both_of(const Policy& one, const Policy& other) {
  Policy policy = one;
  for (const Side side : {Side::A, Side::B}) policy.can[index(side)] = either(one.on(side), other.on(side));
  return policy;
}

}  // namespace libsync::sync
