/* host.h - a ledger opened in this process: its folder, stores, lane and API. */
#ifndef CMD_HOST_H
#define CMD_HOST_H

#include "api/api.h"
#include "base/error.h"
#include "cmd/host_log.h"
#include "wallet/lane.h"

struct data_folder;
struct lane_hold;
struct json_log;
struct journal_feed;
struct serve_payments;
struct serve_behind;
struct serve_bus;
struct serve_cache;
struct serve_tracing;
struct serve_projection;
struct serve_webhooks;

/* What an open ledger consists of; for whoever opened it, as long as it is open. */
struct host {
    struct data_folder *folder;
    struct lane_ports ports;
    struct lane_hold *hold; /* NULL: the folder's lock, or the lease of a replica, does it */
    bool elsewhere;         /* after host_open() failed: another process has the lane's lease */
    struct lane *lane;
    struct transit *transit;          /* NULL: nothing goes to other lanes from here */
    struct carrier *carrier;          /* NULL: it is lane 0, or nothing comes from there */
    char source[32];                  /* of CloudEvents: the lane */
    struct saga *saga;                /* NULL: payments are only written down here, and wait */
    struct journal_feed *feed;        /* what the api gives out as events */
    struct journal_feed *stream_feed; /* the same, for those who wait for the newest */
    struct serve_webhooks *webhooks;  /* NULL: none are taken or sent */
    struct serve_bus *bus;            /* NULL: nothing is published */
    struct serve_cache *cache;        /* NULL: there is none */
    struct serve_payments *payments;  /* NULL: nobody carries payments out here */
    struct host_log tlog;             /* zeroed: none is kept here */
    struct api *api;
    struct api *follower_api;            /* beside api only while this host takes the lane over */
    struct serve_projection *projection; /* NULL: no SQL tables are kept */
    struct monitor *answered;            /* where host_call() waits */
    struct json_log *warnings;           /* when no other log is given: to standard error */
};

struct host_options {
    const char *folder;
    bool read_only;  /* beside an owner too: nothing is locked, claimed or written */
    bool follow;     /* the lane is another's: only it, and an API that tells about it, are open */
    bool anonymous;  /* no key means every scope */
    struct log *log; /* NULL: warnings and worse, to standard error */
    const struct lane_options *lane; /* NULL: LANE_OPTIONS_DEFAULT; read_only is set from above */
    bool tlog;               /* keep the verifiable log behind the journal while it is open */
    const char *tlog_origin; /* NULL: as it was, or one of its own */
    bool streams;            /* events are streamed to those who stay connected */
    uint32_t streams_max;    /* as api_options have them */
    uint32_t heartbeat_ms;
    const struct serve_witnesses *tlog_witnesses; /* NULL, or without any: none are asked */
    struct serve_payments *payments; /* its workers run while it is open; NULL: none do */
    struct serve_webhooks *webhooks; /* the same */
    struct serve_bus *bus;           /* the same */
    struct serve_cache *cache;       /* the same */
    struct serve_behind *behind;     /* all of these and the projection, of all lanes; or NULL */
    /* Of a ledger with several lanes: the ways to the others, by number (NULL: what is for others
     * waits in the journal), and for all but lane 0, where keys are. */
    struct transit_link *const *links;
    struct key_ring *keys;
    struct carry *carry;  /* the lanes of this process; NULL: nothing is carried to or from here */
    struct lane_fan *fan; /* for lane 0's API: whom it asks for what is in others; NULL: nobody */
    struct serve_projection *projection;  /* as the others above */
    struct serve_tracing *tracing;        /* who watches it; outlives it; NULL: nobody */
    const struct metric_process *process; /* outlives it; NULL: this lane is alone in it */
};

/*
 * For another lane than 0 beside it, whose options are `first`: the same but for what there is
 * only one of (witnesses), and what is run beside that lane. folder outlives it.
 */
struct host_options host_options_beside(const struct host_options *first, const char *folder,
                                        uint32_t lane, struct key_ring *keys);

/*
 * Recovers if need be. STATUS_NOT_FOUND: no ledger there. STATUS_CONFLICT: another process owns
 * it, or the lease of its lane (`elsewhere`). STATUS_INVALID: of a newer version. STATUS_CORRUPT, STATUS_DENIED, STATUS_LIMIT,
 * STATUS_UNAVAILABLE. On failure nothing stays open, and
 * all but `elsewhere` is zeroed.
 */
enum status host_open(const struct host_options *options, struct host *out_host,
                      struct error *out_error) MUST_CHECK;

/*
 * Of a host opened with `follow`: takes the lane over (lane_lead()) and opens all that its owner
 * runs beside it; options are the same without `follow`. The API is another then; the former is
 * to be given up by host_follower_done(), when nobody uses it. After a failure: host_close().
 */
enum status host_lead(const struct host_options *options, struct host *host,
                      struct error *out_error) MUST_CHECK;
void host_follower_done(struct host *host);

/*
 * Runs one call to its end: the request's part of `call` and its answer buf are the caller's,
 * see api.h; ready and owner are set here. One thread at a time.
 */
void host_call(struct host *host, struct api_call *call);

/* Ends the workers of what goes to and comes from other lanes; before any of those is closed. */
void host_ways_stop(struct host *host);

/* Ends the workers of payments and webhooks, answers what was accepted, flushes, releases. Accepts a zeroed struct. */
void host_close(struct host *host);

#endif
