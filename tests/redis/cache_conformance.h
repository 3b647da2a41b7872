/* cache_conformance.h - what every implementation of port/cache.h must do. */
#ifndef TESTS_REDIS_CACHE_CONFORMANCE_H
#define TESTS_REDIS_CACHE_CONFORMANCE_H

#include "port/cache.h"

struct cache_factory {
    void *owner;
    void (*empty)(void *owner); /* everything is lost */
    struct cache *(*open)(void *owner);
};

/* Fails with cmocka's asserts. */
void cache_conformance(const struct cache_factory *factory);

#endif
