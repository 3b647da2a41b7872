/* chart_accounts.h - the chart of accounts of assets: made and looked at through the API. */
#ifndef CMD_CHART_ACCOUNTS_H
#define CMD_CHART_ACCOUNTS_H

#include "base/buf.h"
#include "cmd/session.h"

/* Each with commas between: "EUR,USD" and "sandbox,stripe"; psps NULL: no clearing account. */
struct chart_names {
    const char *assets;
    const char *psps;
};

/*
 * Makes what is not there yet; the ids follow from asset, role and PSP (payment/chart.h), so that
 * a repeat makes nothing. STATUS_NOT_FOUND: no such asset; STATUS_INVALID: no name of a PSP;
 * STATUS_CONFLICT: an account is there and is another; the session's own.
 */
enum status chart_accounts_make(struct session *session, const struct chart_names *names,
                                struct error *out_error) MUST_CHECK;

/* Appends {"accounts": [{"asset", "role", "psp", "id", "meaning", "made", "balance"}]}. */
enum status chart_accounts_show(struct session *session, const struct chart_names *names,
                                struct buf *out_json, struct error *out_error) MUST_CHECK;

#endif
