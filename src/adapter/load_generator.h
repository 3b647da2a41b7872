/* load_generator.h - transfers over many connections, as fast as the answers come. */
#ifndef ADAPTER_LOAD_GENERATOR_H
#define ADAPTER_LOAD_GENERATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "adapter/load_histogram.h"
#include "base/error.h"
#include "base/status.h"
#include "base/str.h"
#include "model/id.h"
#include "port/clock.h"
#include "port/entropy.h"

/*
 * One thread and an event loop: each connection sends a request, waits for the whole answer,
 * and sends the next, or waits until the rate allows it. Requests are POST /v1/transfers or
 * /v1/payments, with fresh time-ordered ids, from and to accounts chosen evenly. They are made from one text in which ids are replaced, so that the
 * generator takes a small part of a machine it shares with the server.
 *
 * A tool of measurement: only loopback addresses are taken, TLS (1.3) verifies nobody, and
 * answers must carry a Content-Length.
 */
enum load_form {
    LOAD_SINGLE, /* one JSON object a request */
    LOAD_ARRAY,  /* a JSON array of `batch` */
    LOAD_BINARY, /* `batch` records of the binary form */
    LOAD_WALLET, /* a payment from wallet to wallet */
    LOAD_PAY_IN, /* a payment from a card, `method` at `psp`, into a wallet */
};

/* Whether a request of the form is about one thing, so that its status says it all. */
static inline bool load_form_is_single(enum load_form form)
{
    return form != LOAD_ARRAY && form != LOAD_BINARY;
}

enum { LOAD_CONNECTIONS_MAX = 4096, LOAD_STATUSES_MAX = 16 };

struct load_options {
    const char *address; /* "127.0.0.1:8080", "[::1]:8443" */
    bool tls;
    const char *authorization; /* "Bearer tpw_..."; NULL: none */
    uint32_t connections;      /* 1..LOAD_CONNECTIONS_MAX */
    enum load_form form;
    uint32_t batch;                    /* 1..REQUEST_TRANSFERS_MAX; 1 for single forms */
    const struct account_id *accounts; /* all of the asset; at least two; the caller's */
    uint32_t account_count;
    struct str asset_code;  /* "EUR" */
    uint32_t asset_id;      /* the same, as the binary form has it */
    struct str amount;      /* "1.00" */
    uint64_t amount_minor;  /* the same, in minor units */
    struct str method;      /* LOAD_PAY_IN: "card_ok" */
    struct str psp;         /* LOAD_PAY_IN: "sandbox" */
    uint64_t rate;          /* requests a second over all connections; 0: as fast as answers come */
    uint64_t duration_ms;   /* 0: no end by time */
    uint64_t transfers_max; /* 0: no end by count; else rounded up to whole requests */
    struct clock *clock;
    struct entropy *entropy;
};

/* Answers by HTTP status; the one with status 0 counts connections lost before an answer. */
struct load_status {
    uint32_t status;
    uint64_t count;
};

struct load_result {
    uint64_t requests;  /* answered */
    uint64_t transfers; /* with outcome ok */
    uint64_t failures;  /* transfers refused, not answered, or in doubt */
    uint64_t elapsed_ns;
    uint64_t transfers_per_second;
    uint64_t requests_per_second;
    uint64_t p50_ns; /* of a request, from its first byte sent to the last of its answer */
    uint64_t p90_ns;
    uint64_t p99_ns;
    uint64_t p999_ns;
    uint64_t max_ns;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    struct load_status statuses[LOAD_STATUSES_MAX];
    uint32_t status_count;
};

/*
 * Runs to its end. STATUS_INVALID: the address is none, or not loopback. STATUS_UNAVAILABLE: no
 * connection, or no memory. What happens after that is in the result.
 */
enum status load_run(const struct load_options *options, struct load_result *out_result,
                     struct error *out_error) MUST_CHECK;

#endif
