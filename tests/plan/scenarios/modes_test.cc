// What becomes of a change on either side in each mode, what the mode forbids included: the table of
// docs/sync-rules.md. Before on both sides, what one side did (or both), and what the next sync makes of it.
#include <gtest/gtest.h>

#include "tests/plan/world.h"

namespace twinbox::plan {
namespace {

// After a sync, on both sides; `here` where it is not as on the server.
struct After {
  const char* there;
  const char* here = nullptr;
};

struct ModeCase {
  const char* name;
  const char* before;
  const char* server;
  const char* local;
  After mirror, two_way, push, archive;
};

void PrintTo(const ModeCase& each, std::ostream* out) {
  *out << each.before << " | server: " << each.server << " | here: " << each.local;
}

const ModeCase kCases[] = {
    // New mail.
    {"new_there",
     "INBOX: a",
     "new b INBOX",
     "",
     {"INBOX: a b"},
     {"INBOX: a b"},
     {"INBOX: a b", "INBOX: a"},
     {"INBOX: a b"}},
    {"new_here",
     "INBOX: a",
     "",
     "new b INBOX",
     {"INBOX: a", "INBOX: a b"},
     {"INBOX: a b"},
     {"INBOX: a b"},
     {"INBOX: a", "INBOX: a b"}},
    {"new_on_both",
     "INBOX: a",
     "new b INBOX",
     "new c INBOX",
     {"INBOX: a b", "INBOX: a b c"},
     {"INBOX: a b c"},
     {"INBOX: a b c", "INBOX: a c"},
     {"INBOX: a b", "INBOX: a b c"}},
    // Flags.
    {"flag_there",
     "INBOX: a",
     "flag a +seen +todo",
     "",
     {"INBOX: a+seen+todo"},
     {"INBOX: a+seen+todo"},
     {"INBOX: a"},
     {"INBOX: a+seen+todo"}},
    {"flag_here",
     "INBOX: a",
     "",
     "flag a +seen +todo",
     {"INBOX: a"},
     {"INBOX: a+seen+todo"},
     {"INBOX: a+seen+todo"},
     {"INBOX: a", "INBOX: a+seen+todo"}},
    {"flags_on_both",
     "INBOX: a",
     "flag a +seen",
     "flag a +answered",
     {"INBOX: a+seen"},
     {"INBOX: a+seen+answered"},
     {"INBOX: a+answered"},
     {"INBOX: a+seen", "INBOX: a+seen+answered"}},
    // Moves.
    {"move_there",
     "INBOX: a; Work:",
     "move a Work",
     "",
     {"INBOX:; Work: a"},
     {"INBOX:; Work: a"},
     {"INBOX:; Work: a", "INBOX: a; Work:"},
     {"INBOX:; Work: a"}},
    {"move_here",
     "INBOX: a; Work:",
     "",
     "move a Work",
     {"INBOX: a; Work:", "INBOX:; Work: a"},
     {"INBOX:; Work: a"},
     {"INBOX:; Work: a"},
     {"INBOX: a; Work:", "INBOX:; Work: a"}},
    {"moves_apart",
     "INBOX: a; Old:; Work:",
     "move a Work",
     "move a Old",
     {"INBOX:; Old:; Work: a"},
     {"INBOX:; Old:; Work: a"},
     {"INBOX:; Old: a; Work:"},
     {"INBOX:; Old:; Work: a"}},
    {"move_to_trash_there",
     "INBOX: a; Trash:",
     "move a Trash",
     "",
     {"INBOX:; Trash: a"},
     {"INBOX:; Trash: a"},
     {"INBOX:; Trash: a", "INBOX: a; Trash:"},
     {"INBOX:; Trash: a", "INBOX: a; Trash:"}},
    {"move_to_trash_here",
     "INBOX: a; Trash:",
     "",
     "move a Trash",
     {"INBOX: a; Trash:", "INBOX:; Trash: a"},
     {"INBOX:; Trash: a"},
     {"INBOX:; Trash: a"},
     {"INBOX: a; Trash:", "INBOX:; Trash: a"}},
    {"move_to_trash_there_and_elsewhere_here",
     "INBOX: a; Trash:; Work:",
     "move a Trash",
     "move a Work",
     {"INBOX:; Trash: a; Work:"},
     {"INBOX:; Trash:; Work: a"},
     {"INBOX:; Trash:; Work: a"},
     {"INBOX:; Trash: a; Work:", "INBOX:; Trash:; Work: a"}},
    {"move_to_trash_there_removed_here",
     "INBOX: a; Trash:",
     "move a Trash",
     "del a",
     {"INBOX:; Trash: a"},
     {"INBOX:; Trash: a"},
     {"INBOX:; Trash: a", "INBOX:; Trash:"},
     {"INBOX:; Trash: a", "INBOX:; Trash:"}},
    {"out_of_trash_there",
     "INBOX:; Trash: a",
     "move a INBOX",
     "",
     {"INBOX: a; Trash:"},
     {"INBOX: a; Trash:"},
     {"INBOX: a; Trash:", "INBOX:; Trash: a"},
     {"INBOX: a; Trash:"}},
    // Removals.
    {"removed_there",
     "INBOX: a b",
     "del a",
     "",
     {"INBOX: b"},
     {"INBOX: b"},
     {"INBOX: b", "INBOX: a b"},
     {"INBOX: b", "INBOX: a b"}},
    {"removed_here",
     "INBOX: a b",
     "",
     "del a",
     {"INBOX: a b", "INBOX: b"},
     {"INBOX: b"},
     {"INBOX: b"},
     {"INBOX: a b", "INBOX: b"}},
    {"removed_there_flagged_here",
     "INBOX: a",
     "del a",
     "flag a +flagged",
     {"INBOX:", "INBOX: a+flagged"},
     {"INBOX: a+flagged"},
     {"INBOX: a+flagged"},
     {"INBOX:", "INBOX: a+flagged"}},
    {"removed_here_flagged_there",
     "INBOX: a",
     "flag a +flagged",
     "del a",
     {"INBOX: a+flagged"},
     {"INBOX: a+flagged"},
     {"INBOX: a+flagged", "INBOX:"},
     {"INBOX: a+flagged"}},
    {"removed_on_both", "INBOX: a b", "del a", "del a", {"INBOX: b"}, {"INBOX: b"}, {"INBOX: b"}, {"INBOX: b"}},
    // Folders.
    {"made_there",
     "INBOX:",
     "mkbox Work; new a Work",
     "",
     {"INBOX:; Work: a"},
     {"INBOX:; Work: a"},
     {"INBOX:; Work: a", "INBOX:"},
     {"INBOX:; Work: a"}},
    {"made_here",
     "INBOX:",
     "",
     "mkbox Work; new a Work",
     {"INBOX:", "INBOX:; Work: a"},
     {"INBOX:; Work: a"},
     {"INBOX:; Work: a"},
     {"INBOX:", "INBOX:; Work: a"}},
    {"same_made_on_both",
     "INBOX:",
     "mkbox Work; new a Work",
     "mkbox Work; new b Work",
     {"INBOX:; Work: a", "INBOX:; Work: a b"},
     {"INBOX:; Work: a b"},
     {"INBOX:; Work: a b", "INBOX:; Work: b"},
     {"INBOX:; Work: a", "INBOX:; Work: a b"}},
    {"renamed_there",
     "INBOX:; Work: a",
     "renbox Work Jobs",
     "",
     {"INBOX:; Jobs: a"},
     {"INBOX:; Jobs: a"},
     {"INBOX:; Work: a"},
     {"INBOX:; Jobs: a"}},
    {"renamed_here",
     "INBOX:; Work: a",
     "",
     "renbox Work Jobs",
     {"INBOX:; Work: a"},
     {"INBOX:; Jobs: a"},
     {"INBOX:; Jobs: a"},
     {"INBOX:; Work: a"}},
    {"renames_apart",
     "INBOX:; Work: a",
     "renbox Work Jobs",
     "renbox Work Tasks",
     {"INBOX:; Jobs: a"},
     {"INBOX:; Jobs: a"},
     {"INBOX:; Tasks: a"},
     {"INBOX:; Jobs: a"}},
    {"deleted_there",
     "INBOX:; Work: a",
     "rmbox Work",
     "",
     {"INBOX:"},
     {"INBOX:"},
     {"INBOX:; Work:", "INBOX:; Work: a"},
     {"INBOX:", "INBOX:; Work: a"}},
    {"deleted_here",
     "INBOX:; Work: a",
     "",
     "rmbox Work",
     {"INBOX:; Work: a", "INBOX:; Work:"},
     {"INBOX:"},
     {"INBOX:"},
     {"INBOX:; Work: a", "INBOX:; Work:"}},
    {"subscribed_there",
     "INBOX:; Work:",
     "sub Work",
     "",
     {"INBOX:; Work*:"},
     {"INBOX:; Work*:"},
     {"INBOX:; Work:"},
     {"INBOX:; Work*:"}},
    {"subscribed_here",
     "INBOX:; Work:",
     "",
     "sub Work",
     {"INBOX:; Work:"},
     {"INBOX:; Work*:"},
     {"INBOX:; Work*:"},
     {"INBOX:; Work:"}},
    {"uidvalidity_changed",
     "INBOX: a b",
     "renumber INBOX",
     "",
     {"INBOX: a b"},
     {"INBOX: a b"},
     {"INBOX: a b"},
     {"INBOX: a b"}},
};

constexpr sync::Capabilities kAll{.folders = true, .flags = true, .append = true, .move = true, .remove = true};

struct Mode {
  const char* name;
  sync::Policy policy;
  After ModeCase::* after;
};

void PrintTo(const Mode& mode, std::ostream* out) { *out << mode.name; }

std::vector<Mode> modes() {
  return {{"mirror", sync::mirror_policy(kAll, sync::Leave::Forever), &ModeCase::mirror},
          {"two_way", sync::two_way_policy(kAll, sync::Leave::Forever), &ModeCase::two_way},
          {"push", sync::push_policy(kAll), &ModeCase::push},
          {"archive", sync::archive_policy(kAll, sync::Leave::Forever), &ModeCase::archive}};
}

class Modes : public ::testing::TestWithParam<std::tuple<ModeCase, Mode>> {
 protected:
  static const ModeCase& the_case() { return std::get<0>(GetParam()); }
  static const Mode& mode() { return std::get<1>(GetParam()); }

  // Both sides have the same, by a sync of both ways; then the mode counts.
  static std::unique_ptr<World> begin(const Abilities& can) {
    auto world = std::make_unique<World>(can);
    make(world->server, the_case().before);
    EXPECT_TRUE(world->sync().status);
    EXPECT_TRUE(world->sync().report.nothing_new());
    world->policy = mode().policy;
    act(world->server, the_case().server);
    act(world->devices[0]->store, the_case().local);
    return world;
  }

  static void settle(World& world) {
    for (int i = 0; i < 6; ++i) {
      const Ran ran = world.sync();
      EXPECT_TRUE(ran.status) << ran.status.error().text();
      if (ran.report.nothing_new()) return;
    }
    ADD_FAILURE() << "no rest";
  }

  static void expect_after(World& world) {
    const After& after = the_case().*mode().after;
    const bool subscribed = std::string_view(the_case().name).find("subscribed") != std::string_view::npos;
    EXPECT_EQ(show(world.server, subscribed), after.there) << "on the server";
    EXPECT_EQ(show(world.devices[0]->store, subscribed), after.here != nullptr ? after.here : after.there) << "here";
  }
};

TEST_P(Modes, DoWhatTheTableSays) {
  for (const Abilities& can : abilities()) {
    SCOPED_TRACE(can.name);
    const auto world = begin(can);
    settle(*world);
    expect_after(*world);
  }
}

TEST_P(Modes, DoSoWhereverASyncWasEnded) {
  const Abilities& can = abilities("full");
  for (const End how : {End::Crash, End::CutBefore, End::CutAfter}) {
    for (uint64_t step = 0;; ++step) {
      SCOPED_TRACE(step);
      const auto world = begin(can);
      (void)world->sync(0, step, how);
      const Steps& steps = world->devices[0]->steps;
      if (!steps.ended() && steps.taken() <= step) break;
      settle(*world);
      expect_after(*world);
      if (HasFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Modes, ::testing::Combine(::testing::ValuesIn(kCases), ::testing::ValuesIn(modes())),
                         [](const auto& one) {
                           return std::string(std::get<0>(one.param).name) + "_" + std::get<1>(one.param).name;
                         });

}  // namespace
}  // namespace twinbox::plan
