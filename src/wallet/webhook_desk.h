/* webhook_desk.h - the receivers of our webhooks: made, changed and looked at while the relay runs. */
#ifndef WALLET_WEBHOOK_DESK_H
#define WALLET_WEBHOOK_DESK_H

#include "port/endpoint_store.h"
#include "port/entropy.h"
#include "port/log.h"
#include "wallet/lane.h"
#include "wallet/webhook_relay.h"

/*
 * Owns the relay. What an endpoint is stands in the endpoint store, durable before it counts;
 * how far its deliveries got stands in the relay store. Secrets are made here, and given out
 * once. All calls from any task; those about one endpoint wait for its delivery under way.
 *
 * Of a ledger with several lanes each has a desk, with stores of its own, for its own events. People
 * make and change endpoints at lane 0's. The others follow its endpoint store: what is there is
 * theirs within WEBHOOK_FOLLOW_MS (or, of many, WEBHOOK_FOLLOW_EACH_MS for each), with the same secrets and numbers of their own, which
 * begin with the first unit stamped after the endpoint was made (with the first of all where lane
 * 0's begin there). It can be looked at there, and be enabled after it has disabled itself.
 */
struct webhook_desk;

enum { WEBHOOK_FOLLOW_MS = 200, WEBHOOK_FOLLOW_EACH_MS = 25 };

struct webhook_desk_options {
    struct lane_ports ports; /* all that is pointed to outlives the desk */
    struct lane *lane;       /* where it is written down that one disables itself; NULL: nowhere */
    struct http_out *http;
    struct event_feed *feed; /* of its own: the relay moves it about */
    struct relay_store *relay_store;
    struct endpoint_store *endpoint_store;
    struct endpoint_store *followed; /* lane 0's, only read; NULL: this is lane 0 */
    bool private_allowed;            /* endpoints may be at private and loopback addresses */
    uint32_t attempts_max;           /* before an event is a dead letter; 0: the usual */
    bool stepped; /* no tasks: webhook_relay_step() and webhook_desk_follow() are called */
};

/* Deliveries begin. STATUS_LIMIT, STATUS_UNAVAILABLE, STATUS_CORRUPT. */
enum status webhook_desk_open(const struct webhook_desk_options *options,
                              struct webhook_desk **out_desk, struct error *out_error) MUST_CHECK;
/* After the deliveries under way. Accepts NULL. */
void webhook_desk_close(struct webhook_desk *desk);

/* An endpoint without its secrets. */
struct webhook_desk_view {
    struct uuid id;
    char url[ENDPOINT_URL_SIZE];
    uint8_t state; /* enum endpoint_state */
    uint8_t filter_count;
    uint8_t key_count;
    char filters[ENDPOINT_FILTERS_MAX][ENDPOINT_FILTER_SIZE];
    struct position since;  /* where its numbers begin ... */
    uint64_t sequence_base; /* ... behind this one */
    struct wall_time created_at;
    struct {
        char name[SIGNING_KEY_NAME_SIZE];
        struct wall_time not_before;
        struct wall_time not_after;
    } keys[ENDPOINT_KEYS_MAX];
    struct relay_state relay;
};

enum { WEBHOOK_DESK_SECRET_SIZE = ENDPOINT_ROW_SECRET_SIZE };

/*
 * Makes one; draft: id, url, filters, since. out_secret is terminated, and wiped by its owner.
 * STATUS_CONFLICT: the id is there already. STATUS_LIMIT: too many, or the disk is full.
 */
enum status webhook_desk_create(struct webhook_desk *desk, const struct webhook_desk_view *draft,
                                char out_secret[WEBHOOK_DESK_SECRET_SIZE],
                                struct webhook_desk_view *out_view, struct error *out_error)
    MUST_CHECK;

/* STATUS_NOT_FOUND. */
enum status webhook_desk_look(struct webhook_desk *desk, struct uuid id,
                              struct webhook_desk_view *out_view, struct error *out_error)
    MUST_CHECK;
/* The next one in the order of ids; nil: the first. STATUS_NOT_FOUND: there is none. */
enum status webhook_desk_next(struct webhook_desk *desk, struct uuid after,
                              struct webhook_desk_view *out_view, struct error *out_error)
    MUST_CHECK;

/*
 * Takes of `wanted` what is chosen. New filters begin where deliveries have got to; ACTIVE also
 * enables what has disabled itself. STATUS_NOT_FOUND.
 */
struct webhook_desk_change {
    bool url;
    bool filters;
    bool state;
    struct webhook_desk_view wanted;
};
enum status webhook_desk_update(struct webhook_desk *desk, struct uuid id,
                                const struct webhook_desk_change *change,
                                struct webhook_desk_view *out_view, struct error *out_error)
    MUST_CHECK;
enum status webhook_desk_remove(struct webhook_desk *desk, struct uuid id, struct error *out_error)
    MUST_CHECK;

/*
 * A new secret signs from now on, and those of before for overlap_s more. STATUS_CONFLICT:
 * ENDPOINT_KEYS_MAX are live already. STATUS_NOT_FOUND.
 */
enum status webhook_desk_rotate(struct webhook_desk *desk, struct uuid id, uint32_t overlap_s,
                                char out_secret[WEBHOOK_DESK_SECRET_SIZE],
                                struct webhook_desk_view *out_view, struct error *out_error)
    MUST_CHECK;

/* As of relay_store.letters(). */
enum status webhook_desk_letters(struct webhook_desk *desk, struct uuid id, uint64_t above,
                                 struct dead_letter *out_letters, uint32_t limit,
                                 uint32_t *out_count) MUST_CHECK;

/* What became of an event at an endpoint, as far as deliveries were saved. */
#define WEBHOOK_DELIVERY_TABLE(X)                                                                  \
    X(DELIVERED, "delivered")                                                                      \
    X(DEAD_LETTER, "dead_letter")                                                                  \
    X(WAITING, "waiting")                                                                          \
    X(NOT_WANTED, "not_wanted") /* its filters leave it out */                                     \
    X(EARLIER, "earlier")       /* its numbers begin behind it: what was before is not known */

#define WEBHOOK_DELIVERY_ENUM(name, text) WEBHOOK_DELIVERY_##name,
enum webhook_delivery { WEBHOOK_DELIVERY_TABLE(WEBHOOK_DELIVERY_ENUM) WEBHOOK_DELIVERY_COUNT };
#undef WEBHOOK_DELIVERY_ENUM
/* Static. CHECKs that it is one. */
const char *webhook_delivery_name(unsigned delivery);

/*
 * Of the event at a position, of that type; view is as it was looked at before. out_letter is
 * written with DEAD_LETTER. About 40 reads of the relay store where there are dead letters.
 */
enum status webhook_desk_delivery(struct webhook_desk *desk, const struct webhook_desk_view *view,
                                  struct position event, struct str type,
                                  enum webhook_delivery *out_delivery,
                                  struct dead_letter *out_letter) MUST_CHECK;

/*
 * Makes the endpoints those of `followed`: what its task does. Stays as it was where it cannot.
 * Returns in how many milliseconds it is to be called again.
 */
uint32_t webhook_desk_follow(struct webhook_desk *desk);

/* For redrive and missed: webhook_relay.h says how. */
struct webhook_relay *webhook_desk_relay(struct webhook_desk *desk);

struct webhook_desk_status {
    struct webhook_relay_counts deliveries;
    uint64_t endpoints;
    uint64_t disabled; /* endpoints that have disabled themselves, since the start */
};
void webhook_desk_get_status(struct webhook_desk *desk, struct webhook_desk_status *out_status);

#endif
