/* lease_conformance.h - what every implementation of port/lease.h must do. */
#ifndef TESTS_PORT_LEASE_CONFORMANCE_H
#define TESTS_PORT_LEASE_CONFORMANCE_H

#include "port/lease.h"

struct lease_factory {
    void *owner;
    void (*fresh)(void *owner); /* forgets everything */
    struct lease *(*open)(void *owner);
    void (*pass)(void *owner, int64_t ms); /* so much time passes */
};

/* Fails with cmocka's asserts. Takes a few seconds of the lease's clock. */
void lease_conformance(const struct lease_factory *factory);

#endif
