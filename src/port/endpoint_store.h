/* endpoint_store.h - the receivers of our webhooks, secrets included, kept for good. */
#ifndef PORT_ENDPOINT_STORE_H
#define PORT_ENDPOINT_STORE_H

#include "base/error.h"
#include "base/status.h"
#include "base/time.h"
#include "model/id.h"

/*
 * What is given back was put there and is durable; a put is whole or was not. Any task; each call
 * within ENDPOINT_STORE_CALL_S_MAX. STATUS_CORRUPT, STATUS_UNAVAILABLE and STATUS_LIMIT (the disk
 * is full) may come from every call.
 */
enum {
    ENDPOINT_STORE_CALL_S_MAX = 10,
    ENDPOINT_ROW_URL_SIZE = 512,
    ENDPOINT_ROW_FILTERS_MAX = 16,
    ENDPOINT_ROW_FILTER_SIZE = 64,
    ENDPOINT_ROW_KEYS_MAX = 4,
    ENDPOINT_ROW_NAME_SIZE = 32,
    ENDPOINT_ROW_SECRET_SIZE = 384, /* "whsec_" and 256 bytes in base64 */
};

/* The secret as Standard Webhooks writes it; whoever holds a row wipes it. */
struct endpoint_row_key {
    char name[ENDPOINT_ROW_NAME_SIZE];
    struct wall_time not_before;
    struct wall_time not_after;
    char secret[ENDPOINT_ROW_SECRET_SIZE];
};

/* webhook/endpoint.h says what the members mean. */
struct endpoint_row {
    struct uuid id;
    struct position since;
    uint64_t sequence_base;
    struct wall_time created_at;
    uint8_t state;
    uint8_t filter_count;
    uint8_t key_count;
    uint8_t reserved[5];
    char url[ENDPOINT_ROW_URL_SIZE];
    char filters[ENDPOINT_ROW_FILTERS_MAX][ENDPOINT_ROW_FILTER_SIZE];
    struct endpoint_row_key keys[ENDPOINT_ROW_KEYS_MAX];
};

struct endpoint_store {
    /* Durable on STATUS_OK; replaces what was there. */
    enum status (*put)(struct endpoint_store *store, const struct endpoint_row *row,
                       struct error *out_error);
    /* Durable on STATUS_OK. An id that is not there is fine. */
    enum status (*remove)(struct endpoint_store *store, struct uuid id, struct error *out_error);
    /* The one with the lowest id above `after`; nil: of all. STATUS_NOT_FOUND: there is none. */
    enum status (*next)(struct endpoint_store *store, struct uuid after,
                        struct endpoint_row *out_row, struct error *out_error);
    /* STATUS_NOT_FOUND. */
    enum status (*load)(struct endpoint_store *store, struct uuid id, struct endpoint_row *out_row,
                        struct error *out_error);
    void (*close)(struct endpoint_store *store);
};

#endif
