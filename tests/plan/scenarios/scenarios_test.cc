// What becomes of what was done on both sides, in a small notation (tests/plan/world.h): before on both, what each did,
// and after on both. Each with every kind of server, and ended at every step.
#include <gtest/gtest.h>

#include "tests/plan/world.h"

namespace twinbox::plan {
namespace {

struct Scenario {
  const char* name;
  const char* before;
  const char* server;
  const char* local;
  const char* after;
  const char* after_local = nullptr;  // where it is not as on the server
  uint64_t carried = 0;               // messages whose octets must go over the line
  bool roles = false;                 // matched by role
};

void PrintTo(const Scenario& scenario, std::ostream* out) {
  *out << scenario.before << " | server: " << scenario.server << " | here: " << scenario.local;
}

const Scenario kScenarios[] = {
    // The table: flags.
    {"nothing", "INBOX: a b", "", "", "INBOX: a b"},
    {"flag_there", "INBOX: a b", "flag a +seen", "", "INBOX: a+seen b"},
    {"flag_here", "INBOX: a b", "", "flag a +seen", "INBOX: a+seen b"},
    {"unflag_there", "INBOX: a+seen b", "flag a -seen", "", "INBOX: a b"},
    {"unflag_here", "INBOX: a+seen b", "", "flag a -seen", "INBOX: a b"},
    {"flags_on_both", "INBOX: a+seen b", "flag a +flagged", "flag a +answered -seen", "INBOX: a+answered+flagged b"},
    {"same_flag_on_both", "INBOX: a b", "flag a +seen", "flag a +seen", "INBOX: a+seen b"},
    {"keyword_there", "INBOX: a", "flag a +todo", "", "INBOX: a+todo"},
    {"keyword_here", "INBOX: a", "", "flag a +todo", "INBOX: a+todo"},
    {"keywords_on_both", "INBOX: a+old", "flag a +one -old", "flag a +two", "INBOX: a+one+two"},
    {"keyword_in_another_case", "INBOX: a+todo", "", "flag a -ToDo", "INBOX: a"},
    {"all_flags_here", "INBOX: a", "", "flag a +seen +answered +flagged +deleted +draft +x",
     "INBOX: a+seen+answered+flagged+deleted+draft+x"},
    // Moves.
    {"move_there", "INBOX: a b; Work: c", "move a Work", "", "INBOX: b; Work: a c"},
    {"move_here", "INBOX: a b; Work: c", "", "move a Work", "INBOX: b; Work: a c"},
    {"move_there_and_flag_there", "INBOX: a; Work:", "flag a +seen; move a Work", "", "INBOX:; Work: a+seen"},
    {"move_here_and_flag_here", "INBOX: a; Work:", "", "move a Work; flag a +seen", "INBOX:; Work: a+seen"},
    {"move_there_and_flag_here", "INBOX: a; Work:", "move a Work", "flag a +flagged", "INBOX:; Work: a+flagged"},
    {"move_here_and_flag_there", "INBOX: a; Work:", "flag a +flagged", "move a Work", "INBOX:; Work: a+flagged"},
    {"same_move_on_both", "INBOX: a; Work:", "move a Work", "move a Work", "INBOX:; Work: a"},
    {"moves_apart", "INBOX: a; Old:; Work:", "move a Work", "move a Old", "INBOX:; Old:; Work: a"},
    {"any_place_beats_trash_there", "INBOX: a; Trash:; Work:", "move a Trash", "move a Work",
     "INBOX:; Trash:; Work: a"},
    {"any_place_beats_trash_here", "INBOX: a; Trash:; Work:", "move a Work", "move a Trash", "INBOX:; Trash:; Work: a"},
    {"move_and_back_here", "INBOX: a b; Work:", "", "move a Work; move a INBOX", "INBOX: a b; Work:"},
    {"move_and_back_there", "INBOX: a b; Work:", "move a Work; move a INBOX", "", "INBOX: a b; Work:"},
    {"two_change_places_here", "INBOX: a; Work: b", "", "move a Work; move b INBOX", "INBOX: b; Work: a"},
    {"two_change_places_on_both_sides", "INBOX: a; Work: b", "move a Work", "move b INBOX", "INBOX: b; Work: a"},
    {"move_twice_here", "INBOX: a; Old:; Work:", "", "move a Work; move a Old", "INBOX:; Old: a; Work:"},
    {"move_into_a_new_mailbox_here", "INBOX: a", "", "mkbox New; move a New", "INBOX:; New: a"},
    {"move_into_a_new_mailbox_there", "INBOX: a", "mkbox New; move a New", "", "INBOX:; New: a"},
    {"move_of_all_here", "INBOX: a b c; Work:", "", "move a Work; move b Work; move c Work", "INBOX:; Work: a b c"},
    // Removals.
    {"removed_there", "INBOX: a b", "del a", "", "INBOX: b"},
    {"removed_here", "INBOX: a b", "", "del a", "INBOX: b"},
    {"removed_on_both", "INBOX: a b", "del a", "del a", "INBOX: b"},
    {"removed_there_flags_here", "INBOX: a b", "del a", "flag a +seen", "INBOX: b"},
    {"removed_here_flags_there", "INBOX: a b", "flag a +answered", "del a", "INBOX: b"},
    {"removed_there_flagged_here", "INBOX: a b", "del a", "flag a +flagged", "INBOX: a+flagged b", nullptr, 1},
    {"removed_here_flagged_there", "INBOX: a b", "flag a +flagged", "del a", "INBOX: a+flagged b", nullptr, 1},
    {"removed_there_undeleted_here", "INBOX: a+deleted b", "del a", "flag a -deleted", "INBOX: a b", nullptr, 1},
    {"removed_here_undeleted_there", "INBOX: a+deleted b", "flag a -deleted", "del a", "INBOX: a b", nullptr, 1},
    {"removed_there_moved_here", "INBOX: a b; Work:", "del a", "move a Work", "INBOX: b; Work: a", nullptr, 1},
    {"removed_here_moved_there", "INBOX: a b; Work:", "move a Work", "del a", "INBOX: b; Work: a", nullptr, 1},
    {"removed_last_one_here", "INBOX: a", "", "del a", "INBOX:"},
    // New mail.
    {"new_there", "INBOX: a", "new b INBOX", "", "INBOX: a b", nullptr, 1},
    {"new_here", "INBOX: a", "", "new b INBOX", "INBOX: a b", nullptr, 1},
    {"new_with_flags_there", "INBOX:", "new b+seen+todo INBOX", "", "INBOX: b+seen+todo", nullptr, 1},
    {"new_with_flags_here", "INBOX:", "", "new b+seen+todo INBOX", "INBOX: b+seen+todo", nullptr, 1},
    {"new_on_both", "INBOX: a", "new b INBOX", "new c INBOX", "INBOX: a b c", nullptr, 2},
    {"same_new_on_both", "INBOX: a", "new b INBOX", "new b INBOX", "INBOX: a b"},
    {"same_new_on_both_with_other_flags", "INBOX: a", "new b+seen INBOX", "new b INBOX", "INBOX: a b+seen"},
    {"same_new_in_two_mailboxes", "INBOX: a; Work:", "new b INBOX", "new b Work", "INBOX: a b; Work: b", nullptr, 2},
    {"twins_there", "INBOX:", "new b INBOX; new b INBOX", "", "INBOX: b b", nullptr, 2},
    {"twins_here", "INBOX:", "", "new b INBOX; new b INBOX", "INBOX: b b", nullptr, 2},
    {"new_and_removed_at_once_here", "INBOX: a", "", "new b INBOX; del b", "INBOX: a"},
    {"new_and_moved_here", "INBOX:; Work:", "", "new b INBOX; move b Work", "INBOX:; Work: b", nullptr, 1},
    {"draft_replaced_here", "Drafts: a+draft; INBOX:", "", "del a; new b+draft Drafts",
     "Drafts: b+draft; INBOX:", nullptr, 1},
    {"filled_first_time", "INBOX: a b", "new c INBOX", "new d INBOX; flag a +seen", "INBOX: a+seen b c d", nullptr, 2},
    // Copies.
    {"copy_here", "INBOX: a; Work:", "", "copy a Work", "INBOX: a; Work: a"},
    {"copy_here_within_its_mailbox", "INBOX: a", "", "copy a INBOX", "INBOX: a a"},
    {"copy_here_and_flag_the_copy", "INBOX: a; Work:", "", "copy a Work; flag a@Work +seen", "INBOX: a; Work: a+seen"},
    {"copy_here_and_remove_the_first", "INBOX: a; Work:", "", "copy a Work; del a@INBOX", "INBOX:; Work: a"},
    {"twin_removed_here", "INBOX: a a b", "", "del a", "INBOX: a b"},
    {"twin_removed_there", "INBOX: a a b", "del a", "", "INBOX: a b"},
    {"twin_moved_here", "INBOX: a a b; Work:", "", "move a@INBOX Work", "INBOX: a b; Work: a"},
    // Mailboxes.
    {"made_there", "INBOX:", "mkbox Work", "", "INBOX:; Work:"},
    {"made_here", "INBOX:", "", "mkbox Work", "INBOX:; Work:"},
    {"same_made_on_both", "INBOX:", "mkbox Work; new a Work", "mkbox Work; new b Work", "INBOX:; Work: a b", nullptr,
     2},
    {"made_deep_here", "INBOX:", "", "mkbox One; mkbox One/Two; mkbox One/Two/Three; new a One/Two/Three",
     "INBOX:; One/Two/Three: a; One/Two:; One:", nullptr, 1},
    {"renamed_there", "INBOX:; Work: a b", "renbox Work Jobs", "", "INBOX:; Jobs: a b"},
    {"renamed_here", "INBOX:; Work: a b", "", "renbox Work Jobs", "INBOX:; Jobs: a b"},
    {"same_rename_on_both", "INBOX:; Work: a", "renbox Work Jobs", "renbox Work Jobs", "INBOX:; Jobs: a"},
    {"renames_apart", "INBOX:; Work: a", "renbox Work Jobs", "renbox Work Tasks", "INBOX:; Jobs: a"},
    {"renamed_with_children_there", "INBOX:; Work/Old: b; Work: a", "renbox Work Jobs", "",
     "INBOX:; Jobs/Old: b; Jobs: a"},
    {"renamed_with_children_here", "INBOX:; Work/Old: b; Work: a", "", "renbox Work Jobs",
     "INBOX:; Jobs/Old: b; Jobs: a"},
    {"renamed_below_itself_here", "INBOX:; Work: a", "", "renbox Work Aside; mkbox Work; renbox Aside Work/Old",
     "INBOX:; Work/Old: a; Work:"},
    {"names_change_places_here", "INBOX:; One: a; Two: b", "", "renbox One X; renbox Two One; renbox X Two",
     "INBOX:; One: b; Two: a"},
    {"names_change_places_there", "INBOX:; One: a; Two: b", "renbox One X; renbox Two One; renbox X Two", "",
     "INBOX:; One: b; Two: a"},
    {"chain_moved_flagged_renamed", "INBOX: a; Work: b", "renbox Work Jobs", "move a Work; flag a +seen; flag b +todo",
     "INBOX:; Jobs: a+seen b+todo"},
    {"chain_the_other_way", "INBOX: a; Work: b", "move a Work; flag a +seen", "renbox Work Jobs; flag b +todo",
     "INBOX:; Jobs: a+seen b+todo"},
    {"renamed_there_filled_here", "INBOX:; Work: a", "renbox Work Jobs", "new b Work", "INBOX:; Jobs: a b", nullptr, 1},
    {"differ_in_case_only", "INBOX:; work: a", "mkbox Work; new b Work", "", "INBOX:; Work: b; work: a", nullptr, 1},
    {"case_changed_here", "INBOX:; work: a", "", "renbox work Work", "INBOX:; Work: a"},
    {"deleted_there", "INBOX:; Work: a b", "rmbox Work", "", "INBOX:"},
    {"deleted_here", "INBOX:; Work: a b", "", "rmbox Work", "INBOX:"},
    {"deleted_on_both", "INBOX:; Work: a", "rmbox Work", "rmbox Work", "INBOX:"},
    {"emptied_and_deleted_here", "INBOX:; Work: a", "", "move a INBOX; rmbox Work", "INBOX: a"},
    {"deleted_here_filled_there", "INBOX:; Work: a", "new b Work", "rmbox Work", "INBOX:; Work: b", nullptr, 1},
    {"deleted_there_filled_here", "INBOX:; Work: a", "rmbox Work", "new b Work", "INBOX:; Work: b", nullptr, 1},
    {"deleted_there_flagged_here", "INBOX:; Work: a b", "rmbox Work", "flag a +flagged", "INBOX:; Work: a+flagged",
     nullptr, 1},
    {"deleted_here_moved_out_there", "INBOX:; Work: a b", "move a INBOX", "rmbox Work", "INBOX: a", nullptr, 1},
    {"deleted_with_children_here", "INBOX:; Work/Old: b; Work: a", "", "rmbox Work/Old; rmbox Work", "INBOX:"},
    {"deleted_and_made_again_here", "INBOX:; Work: a", "", "rmbox Work; mkbox Work; new b Work", "INBOX:; Work: b",
     nullptr, 1},
    {"moved_into_what_is_deleted_there", "INBOX: a; Work:", "rmbox Work", "move a Work", "INBOX:; Work: a"},
    {"subscribed_there", "INBOX:; Work:", "sub Work", "", "INBOX:; Work*:"},
    {"subscribed_here", "INBOX:; Work:", "", "sub Work", "INBOX:; Work*:"},
    {"unsubscribed_here", "INBOX:; Work:", "sub Work; sub INBOX", "", "INBOX*:; Work*:"},
    {"new_mailbox_subscribed_here", "INBOX:", "", "mkbox Work; sub Work", "INBOX:; Work*:"},
    // Roles, and keys that lose their meaning.
    {"sent_is_gesendet", "INBOX:", "mkbox Sent; new a Sent", "mkbox Gesendet; new b Gesendet", "INBOX:; Sent: a b",
     "Gesendet: a b; INBOX:", 2, true},
    {"role_of_a_name_that_is_there", "INBOX:", "mkbox Sent; new a Sent", "mkbox Sent; mkbox Gesendet; new b Gesendet",
     "Gesendet: b; INBOX:; Sent: a", nullptr, 2, true},
    {"uidvalidity_changed", "INBOX: a b c+seen", "renumber INBOX", "", "INBOX: a b c+seen"},
    {"uidvalidity_changed_and_flags_here", "INBOX: a b c", "renumber INBOX", "flag b +seen", "INBOX: a b+seen c"},
    {"uidvalidity_changed_and_moved_here", "INBOX: a b; Work:", "renumber INBOX", "move b Work", "INBOX: a; Work: b"},
    {"uidvalidity_changed_and_new_on_both", "INBOX: a", "renumber INBOX; new b INBOX", "new c INBOX", "INBOX: a b c",
     nullptr, 2},
    {"uidvalidity_changed_twice", "INBOX: a b", "renumber INBOX; renumber INBOX", "", "INBOX: a b"},
};

class Scenarios : public ::testing::TestWithParam<Scenario> {
 protected:
  static std::unique_ptr<World> begin(const Abilities& can) {
    const Scenario& scenario = GetParam();
    auto world = std::make_unique<World>(can);
    world->match_roles = scenario.roles;
    make(world->server, scenario.before);
    EXPECT_TRUE(world->sync().status);
    EXPECT_EQ(show(world->server), show(world->devices[0]->store)) << "the first sync";
    EXPECT_TRUE(world->sync().report.nothing_new()) << "nothing was done since";
    act(world->server, scenario.server);
    act(world->devices[0]->store, scenario.local);
    return world;
  }

  // Until there is nothing more to do.
  static Ran settle(World& world) {
    Ran sum;
    for (int i = 0; i < 6; ++i) {
      const Ran ran = world.sync();
      EXPECT_TRUE(ran.status) << ran.status.error().text();
      sum.fetched += ran.fetched;
      sum.uploaded += ran.uploaded;
      sum.report = ran.report;
      if (ran.report.nothing_new()) break;
    }
    return sum;
  }

  static void expect_after(World& world, const std::string& how) {
    const Scenario& scenario = GetParam();
    const bool subscribed = std::string_view(scenario.after).find('*') != std::string_view::npos;
    const std::string local = scenario.after_local != nullptr ? scenario.after_local : scenario.after;
    EXPECT_EQ(show(world.server, subscribed), scenario.after) << "on the server" << how;
    EXPECT_EQ(show(world.devices[0]->store, subscribed), local) << "here" << how;
  }
};

TEST_P(Scenarios, EndsAsItShould) {
  for (const Abilities& can : abilities()) {
    SCOPED_TRACE(can.name);
    const auto world = begin(can);
    const Ran ran = settle(*world);
    expect_after(*world, "");
    EXPECT_TRUE(ran.report.nothing_new()) << "and rests";
    EXPECT_EQ(ran.report.suspect, 0U);
    const auto& skipped = ran.report.skipped;
    EXPECT_TRUE(skipped.empty()) << skipped.front().where << " " << skipped.front().why;
    EXPECT_LE(ran.fetched + ran.uploaded, GetParam().carried) << "octets over the line";
  }
}

// A sync that ends at this step, and what those behind it make of it. False: it does not have so many.
bool end_at(World& world, uint64_t step, End how) {
  (void)world.sync(0, step, how);
  const Steps& steps = world.devices[0]->steps;
  return steps.ended() || steps.taken() > step;
}

TEST_P(Scenarios, EndsSoWhereverItWasInterrupted) {
  constexpr std::pair<End, const char*> kWays[] = {
      {End::Crash, "a crash"}, {End::CutBefore, "a cut before"}, {End::CutAfter, "a cut after"}};
  for (const Abilities& can : abilities()) {
    for (const auto& [how, name] : kWays) {
      SCOPED_TRACE(can.name);
      uint64_t ended = 0;
      for (uint64_t step = 0;; ++step) {
        const auto world = begin(can);
        if (!end_at(*world, step, how)) break;
        ended += world->devices[0]->steps.ended() ? 1 : 0;
        settle(*world);
        expect_after(*world, std::string(", ended by ") + name + " step " + std::to_string(step));
        if (HasFailure()) return;
      }
      EXPECT_GT(ended, 0U);
    }
  }
}

TEST(ObjectIds, ACopyThatIsMadeThereIsMadeHereWithoutATransfer) {
  World world(abilities("full"));
  make(world.server, "INBOX: a; Work:");
  world.sync();
  act(world.server, "copy a Work");
  EXPECT_EQ(world.sync().fetched, 0U);
  EXPECT_EQ(show(world.devices[0]->store), "INBOX: a; Work: a");
}

INSTANTIATE_TEST_SUITE_P(All, Scenarios, ::testing::ValuesIn(kScenarios),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace twinbox::plan
