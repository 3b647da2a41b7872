/* query.h - the query parameters of a call, each parsed to what it means. */
#ifndef API_QUERY_H
#define API_QUERY_H

#include "api/cursor.h"
#include "api/problem.h"
#include "api/router.h"
#include "base/time.h"
#include "model/notice.h"

enum { ACT_CODE_SIZE = 32 };

/* Of what has left a lane and has no end. */
enum transit_state {
    TRANSIT_WAITING = 1, /* there is no answer yet, or it is being dealt with */
    TRANSIT_STUCK,       /* the lane has refused to end it */
    TRANSIT_STATE_END,
};
/* "waiting" */
const char *transit_state_name(enum transit_state state);

/* Whose acts are asked for. */
struct actor_wanted {
    bool given;
    bool any_local; /* whichever user; else exactly `id` */
    struct principal_id id;
};
bool actor_matches(const struct actor_wanted *wanted, struct principal_id principal);

struct query {
    uint32_t present; /* enum parameter bits; the members of absent ones are as documented */
    uint32_t limit;   /* 1 to PAGE_ITEMS_MAX; PAGE_ITEMS_DEFAULT when absent */
    struct position at;
    struct position min_position; /* zero when absent */
    struct position after;        /* the same */
    struct wall_time from;        /* 0 when absent */
    struct wall_time to;          /* INT64_MAX when absent */
    struct uuid user_ref;         /* nil when absent */
    uint64_t max_stale_ms;        /* 0 when absent */
    uint64_t since;               /* a sequence number; 0 when absent */
    uint8_t state;                /* enum payment_state, an open one; 0 when absent */
    uint8_t transit_state;        /* enum transit_state; 0 when absent */
    uint32_t peer;                /* a lane; LANES_MAX when absent */
    char act[ACT_CODE_SIZE];      /* "" when absent */
    struct actor_wanted actor;    /* any when absent */
    char reason[REASON_SIZE];     /* "" when absent */
    char cursor_text[CURSOR_TEXT_SIZE];
    size_t cursor_len;
};

/*
 * raw is what stood after '?', percent-encoded; a '+' means itself. Only parameters in `allowed`
 * are taken. False with the problem raised: unknown_, duplicate_ or invalid_parameter.
 */
bool query_parse(struct str raw, uint32_t allowed, struct query *out_query,
                 struct problem *out_problem) MUST_CHECK;

/*
 * Percent-decodes into out_text, which has room for size bytes. False: a bad escape, or longer.
 */
bool percent_decode(struct str raw, char *out_text, size_t size, size_t *out_len) MUST_CHECK;

#endif
