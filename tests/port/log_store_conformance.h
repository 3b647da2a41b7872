/* log_store_conformance.h - what every implementation of port/log_store.h must do. */
#ifndef TESTS_PORT_LOG_STORE_CONFORMANCE_H
#define TESTS_PORT_LOG_STORE_CONFORMANCE_H

#include "port/log_store.h"

struct log_store_factory {
    void *owner;
    void (*fresh)(void *owner); /* forgets everything */
    struct log_store *(*open)(void *owner);
};

/* Fails with cmocka's asserts. */
void log_store_conformance(const struct log_store_factory *factory);

#endif
