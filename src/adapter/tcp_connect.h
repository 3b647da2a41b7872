/* tcp_connect.h - HOST:PORT taken apart, and a connection to it within a time. */
#ifndef ADAPTER_TCP_CONNECT_H
#define ADAPTER_TCP_CONNECT_H

#include <stdbool.h>

enum { TCP_HOST_SIZE = 256 };

/* "host:443", "[::1]:443". False: it is not of that form. *out_port is a part of endpoint. */
bool tcp_endpoint_split(const char *endpoint, char host[TCP_HOST_SIZE], const char **out_port);

/*
 * A blocking socket to the first of its addresses that takes it, each within timeout_ms; the
 * caller's to close. -1: there is no connection.
 */
int tcp_connect(const char *host, const char *port, int timeout_ms);

#endif
