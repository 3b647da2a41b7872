/* doctor_scope.h - what of our ledger is looked at: all of it, a span of time, or what ids touch. */
#ifndef CMD_DOCTOR_SCOPE_H
#define CMD_DOCTOR_SCOPE_H

#include "base/id_map.h"
#include "cmd/doctor_bundle.h"
#include "cmd/doctor_journal.h"

/*
 * Without ids: the units of the incident's window, and of the holds that stood open when it began
 * all that is told of them. An incident whose window is the whole past has no bound.
 *
 * With ids, the units that these touch:
 * - those of the payments given, and their refunds and chargebacks; a payment's id may also be that
 *   of a transfer or hold;
 * - within the window, those that move money of the accounts given, or of the users' accounts;
 * - and in turn those of every payment, hold, reversal and transfer that a taken unit names, also
 *   in another lane. Accounts are not followed: one of the chart would be everybody.
 *
 * Nothing later than the end of a window that was over when the incident was opened.
 */
struct doctor_scope_words {
    const char *payments; /* ids between commas; NULL: none */
    const char *accounts;
    const char *users;
};

/* Of --payment, --account, --user. */
struct doctor_scope_words doctor_scope_words_of(const struct invocation *invocation);

struct scope_set {
    struct uuid *ids;
    struct id_map places;
    uint32_t used; /* of ids */
    uint32_t free; /* a chain of those that were removed, one above the place */
};

struct doctor_scope {
    struct wall_time from;
    struct wall_time to;
    bool by_id;
    bool by_time;
    struct scope_set users;
    struct scope_set accounts;
    struct scope_set payments;
    struct scope_set transfers; /* and holds */
    uint32_t given[3];          /* payments, accounts, users */
};

/* STATUS_INVALID: a word is no id. STATUS_LIMIT. */
enum status doctor_scope_open(const struct doctor_scope_words *words,
                              const struct incident *incident, struct doctor_scope *out_scope,
                              struct error *out_error) MUST_CHECK;
/* Also after a failure. Accepts a zeroed one. */
void doctor_scope_close(struct doctor_scope *scope);

/* Whether there is something to be left out. */
bool doctor_scope_selects(const struct doctor_scope *scope);

/*
 * Reads the journals as often as it takes to find all that is touched. STATUS_LIMIT: too much is.
 * STATUS_NOT_FOUND: an id was given, and nothing in the journals is of any.
 */
enum status doctor_scope_follow(struct doctor_scope *scope, const struct doctor_journal *journal,
                                struct error *out_error) MUST_CHECK;

enum doctor_scope_part {
    DOCTOR_SCOPE_NOTHING,
    DOCTOR_SCOPE_HOLDS, /* only what is told of holds that doctor_scope_has_hold() */
    DOCTOR_SCOPE_WHOLE,
};
/* Of the unit whose first record that is not a context was read last. */
enum doctor_scope_part doctor_scope_takes(const struct doctor_scope *scope,
                                          const struct batch_reader *reader,
                                          const struct record_head *first);
bool doctor_scope_has_hold(const struct doctor_scope *scope, struct uuid hold);
bool doctor_scope_has_payment(const struct doctor_scope *scope, struct uuid payment);
/* Within the window, as far as it bounds anything. */
bool doctor_scope_has_time(const struct doctor_scope *scope, struct wall_time at);

/* How much of a source is left out, for its coverage: "none" or "sampled", and of what it is. */
void doctor_scope_tell(const struct doctor_scope *scope, struct doctor_source *source,
                       struct doctor_part *out_part);

#endif
