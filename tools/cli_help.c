#include "tools/cli.h"
int verb_help(Cli *c) { (void)c; return 2; }
