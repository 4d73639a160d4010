/* `rehearse run`, `rehearse report`, `rehearse key ...`. */
#ifndef REHEARSE_CMD_H
#define REHEARSE_CMD_H

#include "lib/base/cmd.h"

extern const struct cmd run_cmd, report_cmd, version_cmd;
extern const struct cmd key_make_cmd, key_show_cmd, key_rotate_cmd;

#endif
