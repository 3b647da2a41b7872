/* event_book_conformance.h - what a book of events must do over every port/event_store.h. */
#ifndef TESTS_PORT_EVENT_BOOK_CONFORMANCE_H
#define TESTS_PORT_EVENT_BOOK_CONFORMANCE_H

#include "port/event_store.h"

struct event_store_factory {
    void *owner;
    void (*fresh)(void *owner); /* forgets everything */
    struct event_store *(*open)(void *owner);
    /* The one number that a query returns, by a connection of its own. */
    int64_t (*number)(void *owner, const char *sql);
};

/* Fails with cmocka's asserts. */
void event_book_conformance(const struct event_store_factory *factory);

#endif
