/* `rehearse run`, `rehearse report`. */
#ifndef REHEARSE_CMD_H
#define REHEARSE_CMD_H

#include "lib/base/cmd.h"

extern const struct cmd run_cmd, report_cmd, version_cmd;

#endif
