/* relay_store_conformance.h - what every implementation of port/relay_store.h must do. */
#ifndef TESTS_PORT_RELAY_STORE_CONFORMANCE_H
#define TESTS_PORT_RELAY_STORE_CONFORMANCE_H

#include "port/relay_store.h"

struct relay_store_factory {
    void *owner;
    void (*fresh)(void *owner); /* forgets everything */
    struct relay_store *(*open)(void *owner);
};

/* Fails with cmocka's asserts. */
void relay_store_conformance(const struct relay_store_factory *factory);

#endif
