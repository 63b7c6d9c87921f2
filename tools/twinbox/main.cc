#include "tools/twinbox/cli.h"

int main(int argc, char** argv) { return twinbox::run(argc, argv); }
