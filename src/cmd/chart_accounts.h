/* chart_accounts.h - the chart of accounts of assets: made and looked at through the API. */
#ifndef CMD_CHART_ACCOUNTS_H
#define CMD_CHART_ACCOUNTS_H

#include "base/json_writer.h"
#include "cmd/session.h"

/*
 * Each with commas between: "EUR,USD" and "sandbox,stripe"; psps NULL: no clearing account. Of one
 * lane, which the session's API must be of, or stand in front of.
 */
struct chart_names {
    struct lane_part part;
    const char *assets;
    const char *psps;
};

/*
 * Makes what is not there yet; the ids follow from lane, asset, role and PSP (payment/chart.h), so
 * that a repeat makes nothing. STATUS_NOT_FOUND: no such asset; STATUS_INVALID: no name of a PSP;
 * STATUS_CONFLICT: an account is there and is another; the session's own.
 */
enum status chart_accounts_make(struct session *session, const struct chart_names *names,
                                struct error *out_error) MUST_CHECK;

/*
 * Writes {"lane", "asset", "role", "psp", "id", "meaning", "made", "balance"} of each; the lane
 * where there are several.
 */
enum status chart_accounts_show(struct session *session, const struct chart_names *names,
                                struct json_writer *json, struct error *out_error) MUST_CHECK;

/*
 * Over all lanes of the ledger in a folder, through its server or lane by lane: visit() is called
 * with a session for each, with names->part filled in, until it does not return STATUS_OK.
 */
enum status chart_accounts_each(const struct session_options *options, struct chart_names *names,
                                enum status (*visit)(void *context, struct session *session,
                                                     const struct chart_names *names,
                                                     struct error *out_error),
                                void *context, struct error *out_error) MUST_CHECK;

#endif
