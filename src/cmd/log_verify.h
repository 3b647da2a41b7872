/* log_verify.h - the verifiable log of a data folder, held against its journal. */
#ifndef CMD_LOG_VERIFY_H
#define CMD_LOG_VERIFY_H

#include "wallet/log_audit.h"

struct data_folder;

/*
 * With the folder's own keys. STATUS_NOT_FOUND: no log is kept there. As log_audit_run(),
 * log_keys_read().
 */
enum status log_verify_run(const struct data_folder *folder, struct store *journal,
                           const struct tree_head *held, uint32_t held_count,
                           struct log_audit_report *out_report, struct error *out_error) MUST_CHECK;

/* STATUS_OK: sound, or nothing was signed yet. STATUS_CORRUPT: the verdict as an error. */
enum status log_verify_status(const struct log_audit_report *report, struct error *out_error)
    MUST_CHECK;

#endif
