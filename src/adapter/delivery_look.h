/* delivery_look.h - who is sent our webhooks, how far each got, and what was given up; only looked at. */
#ifndef ADAPTER_DELIVERY_LOOK_H
#define ADAPTER_DELIVERY_LOOK_H

#include "port/endpoint_store.h"
#include "port/relay_store.h"

struct data_folder;

struct delivery_visitor {
    /* Secrets are wiped from the row. state NULL: nothing was sent to it yet. */
    enum status (*endpoint)(void *owner, const struct endpoint_row *row,
                            const struct relay_state *state);
    enum status (*letter)(void *owner, const struct dead_letter *letter);
    void *owner;
};

/*
 * Each receiver, in order of ids, and then its dead letters, in order; from the folder or from its
 * database, beside whoever writes them. A visit's status ends it, if it is not OK.
 * STATUS_NOT_FOUND: there never was a receiver. STATUS_CORRUPT, STATUS_DENIED, STATUS_UNAVAILABLE.
 */
enum status delivery_look(const struct data_folder *folder, const struct delivery_visitor *visitor,
                          struct error *out_error) MUST_CHECK;

#endif
