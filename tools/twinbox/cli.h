// The command line of twinbox.
#pragma once

namespace twinbox {

// Runs one command and returns the exit status (DESIGN 6).
int run(int argc, const char* const* argv);

}  // namespace twinbox
