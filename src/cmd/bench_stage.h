/* bench_stage.h - what `bench api` and `bench payments` need in a ledger before they load it. */
#ifndef CMD_BENCH_STAGE_H
#define CMD_BENCH_STAGE_H

#include "base/buf.h"
#include "cmd/session.h"

/* Makes an API key of this scope; appends "Bearer ...". */
enum status bench_key_make(struct session *session, const char *scope,
                           struct buf *out_authorization, struct error *out_error) MUST_CHECK;

/* Accounts in EUR without a bound, so that everything is done; appends their account_ids. */
enum status bench_accounts_make(struct session *session, uint64_t wanted, struct buf *out_ids,
                                struct error *out_error) MUST_CHECK;

#endif
