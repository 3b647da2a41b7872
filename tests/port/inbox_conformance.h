/* inbox_conformance.h - what every implementation of port/inbox.h must do. */
#ifndef TESTS_PORT_INBOX_CONFORMANCE_H
#define TESTS_PORT_INBOX_CONFORMANCE_H

#include "port/inbox.h"

/* The retention under which the cases run. */
enum { INBOX_CASES_BYTES_MAX = 20000, INBOX_CASES_AGE_MAX_S = 3600 };

struct inbox_factory {
    void *owner;
    void (*fresh)(void *owner); /* forgets everything */
    struct inbox *(*open)(void *owner);
};

/* Fails with cmocka's asserts. */
void inbox_conformance(const struct inbox_factory *factory);

#endif
