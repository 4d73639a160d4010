/* A line between a client and a server on 127.0.0.1 that can be cut: for what must survive that.
 * Threads: its own; the functions may be called while it carries bytes. */
#ifndef TESTS_FAKE_PROXY_H
#define TESTS_FAKE_PROXY_H

#include "lib/base/auto.h"

#include <stdbool.h>
#include <stdint.h>

struct proxy;
struct proxy *proxy_open(unsigned server_port);
void proxy_close(struct proxy *p);
AUTO_PTR(proxy, struct proxy, proxy_close)
unsigned proxy_port(const struct proxy *p);
/* Each connection is cut once it has carried so many bytes to the server from now on; 0: never. */
void proxy_cut_after(struct proxy *p, uint64_t bytes);
/* The same for the first connection that gets so far, and then no more. */
void proxy_cut_once(struct proxy *p, uint64_t bytes);
/* Whether connections are taken; those that are there are cut when not. */
void proxy_answer(struct proxy *p, bool answer);
/* Bytes carried to the server, and connections taken, so far. */
uint64_t proxy_bytes(const struct proxy *p);
unsigned proxy_connections(const struct proxy *p);

#endif
