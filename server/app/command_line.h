#pragma once

namespace barograph::server {

/// Reads the command line, runs the sub-command, and returns the process's exit status
/// (server/cli/command.h).
int RunCommandLine(int argc, char** argv);

}  // namespace barograph::server
