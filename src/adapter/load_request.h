/* load_request.h - a request of the load generator: made once, then only its ids are replaced. */
#ifndef ADAPTER_LOAD_REQUEST_H
#define ADAPTER_LOAD_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "adapter/load_generator.h"
#include "base/buf.h"
#include "base/prng.h"

struct load_request {
    struct buf text; /* head and body, ready to be sent */
    size_t items_at; /* where the first item begins */
    size_t stride;   /* from one item to the next */
    size_t id_at;    /* in an item; unused in the binary form, as the two below */
    size_t debit_at;
    size_t credit_at;
};

/* STATUS_UNAVAILABLE: out of memory. On failure nothing is left to free. */
enum status load_request_init(struct load_request *request, const struct load_options *options)
    MUST_CHECK;
/* Accepts a zeroed struct. */
void load_request_free(struct load_request *request);

/* Fresh ids of this millisecond, and other accounts, in every item. */
void load_request_renew(struct load_request *request, const struct load_options *options,
                        struct prng *prng, uint64_t unix_ms);

/* How many items of an answer's body have the outcome ok; 200 and 201 only. */
uint32_t load_answer_ok(const struct load_options *options, struct str body);

#endif
