/* The stop flag: apart from the commands, so that library code which only asks it links little. */
#include "lib/base/stop.h"
#include "lib/base/cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* Atomic, not only sig_atomic_t: every worker asks it while the main thread's handler sets it. */
static atomic_int stop_signal;
static atomic_bool taking_back;

static void on_stop(int sig)
{
    if (stop_signal)
        _exit(128 + sig);
    stop_signal = sig;
}

/* Without SA_RESTART: a blocked read or poll of the main thread comes back and can ask the flag. */
void stop_listen(void)
{
    struct sigaction stop = {.sa_handler = on_stop}, ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

void stop_take_back(void)
{
    taking_back = true;
}

bool cmd_stopping(void)
{
    return stop_signal != 0 && !taking_back;
}

bool cmd_stop_check(struct err *err)
{
    return !cmd_stopping() || err_set(err, ERR_STOPPED, "interrupted by a signal");
}
