#include "libsync/sync/policy.h"

namespace libsync::sync {

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
  if (remote.folders && remote.flags && remote.append && remote.remove) {
    policy.can[index(Side::A)] = Can::everything();
  } else {
    policy.keeps_flags = true;
  }
  return policy;
}

}  // namespace libsync::sync
