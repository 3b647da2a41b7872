/* free_port.h - a port for a server of a test; tests/free_port.py is the same for scripts. */
#ifndef TESTS_PORT_FREE_PORT_H
#define TESTS_PORT_FREE_PORT_H

#include <stdint.h>

/*
 * A TCP port of 127.0.0.1 that nobody listens on: below those of outgoing connections, and not
 * given to another test until this process ends. It may be used again after its server is gone.
 */
uint16_t free_port(void);

#endif
