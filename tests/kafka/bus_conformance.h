/* bus_conformance.h - what every implementation of port/bus.h must do. */
#ifndef TESTS_KAFKA_BUS_CONFORMANCE_H
#define TESTS_KAFKA_BUS_CONFORMANCE_H

#include "base/buf.h"
#include "port/bus.h"

struct bus_factory {
    void *owner;
    void (*fresh)(void *owner); /* a place where nothing is published */
    struct bus *(*open)(void *owner);
    /* What readers see of a lane by now: "key=value;" for each event, in order. */
    void (*read)(void *owner, uint32_t lane, struct buf *out_text);
};

/* Fails with cmocka's asserts. */
void bus_conformance(const struct bus_factory *factory);

#endif
