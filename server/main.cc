#include "server/app/command_line.h"

int main(int argc, char** argv) { return barograph::server::RunCommandLine(argc, argv); }
