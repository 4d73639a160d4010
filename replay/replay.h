/* replay_run() with what the command prints. */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include "replay/cmd.h"
#include "replay/events.h"

bool replay_with_events(const struct replay_conf *conf, struct events *events, struct err *err);

#endif
