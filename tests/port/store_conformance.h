/* store_conformance.h - what every implementation of the ports store and run_store must do. */
#ifndef TESTS_PORT_STORE_CONFORMANCE_H
#define TESTS_PORT_STORE_CONFORMANCE_H

#include "port/run_store.h"
#include "port/store.h"

/*
 * Each case starts with fresh(), which forgets everything, and then opens what it needs; what
 * is opened is closed by the case. Two stores may be open on one journal at once. Faults are
 * off. The cases fail through cmocka: call these from within a cmocka test.
 */
struct store_factory {
    void *owner;
    void (*fresh)(void *owner);
    struct store *(*open)(void *owner);
};
void store_conformance(const struct store_factory *factory);

struct run_store_factory {
    void *owner;
    void (*fresh)(void *owner);
    struct run_store *(*open)(void *owner);
};
void run_store_conformance(const struct run_store_factory *factory);

#endif
