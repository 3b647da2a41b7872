/* serve_webhooks.h - what a server needs to take webhooks of PSPs and to send its own. */
#ifndef CMD_SERVE_WEBHOOKS_H
#define CMD_SERVE_WEBHOOKS_H

#include "cmd/invocation.h"
#include "cmd/serve_payments.h"
#include "wallet/webhook_desk.h"
#include "wallet/webhook_in.h"

struct data_folder;
struct journal_feed;

struct serve_webhooks {
    struct webhook_sender senders[WEBHOOK_SENDERS_MAX];
    uint32_t sender_count;
    bool private_allowed;
    uint32_t attempts_max;
    struct http_cover cover;      /* of what is sent; set before it is started */
    struct serve_webhooks *first; /* lane 0's of the same process, which outlives it; or NULL */
    /* While it runs. */
    struct http_out *http;
    struct inbox *inbox; /* NULL: nobody sends any */
    struct relay_store *relay_store;
    struct endpoint_store *endpoint_store;
    struct endpoint_store
        *followed; /* lane 0's, in the database; NULL: it is the first's, or this */
    struct journal_feed *feed;
    char source[32]; /* of events: the lane */
    struct webhook_in *in;
    struct webhook_desk *desk;
};

/*
 * From the options --webhook-in, --webhook-private and --webhook-attempts; senders must be among
 * the PSPs. STATUS_INVALID, STATUS_NOT_FOUND, STATUS_DENIED, STATUS_LIMIT.
 */
enum status serve_webhooks_new(const struct invocation *invocation,
                               const struct serve_payments *payments,
                               struct serve_webhooks **out_webhooks, struct error *out_error)
    MUST_CHECK;
/* When it does not run. Accepts NULL. */
void serve_webhooks_free(struct serve_webhooks *webhooks);

/*
 * Opens what it needs in the folder or its database, beside an open lane; of another lane than 0 in
 * a folder, the first's has been started. To be stopped after a failure too.
 */
enum status serve_webhooks_start(struct serve_webhooks *webhooks, const struct data_folder *folder,
                                 struct lane *lane, const struct lane_ports *ports,
                                 struct error *out_error) MUST_CHECK;
/* Before the lane is drained; nobody calls any more. Also when it was not started. */
void serve_webhooks_stop(struct serve_webhooks *webhooks);

#endif
