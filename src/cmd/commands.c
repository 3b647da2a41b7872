/* The list of commands, in the order of help. */
#include "cmd/command.h"

#include <stddef.h>
#include <string.h>

const struct command *const commands[] = {
    &command_init,
    &command_serve,
    &command_sandbox,
    &command_demo,
    &command_key_create,
    &command_key_list,
    &command_key_revoke,
    &command_audit_list,
    &command_account_create,
    &command_account_show,
    &command_account_list,
    &command_account_freeze,
    &command_account_unfreeze,
    &command_account_close,
    &command_account_entries,
    &command_account_statement,
    &command_account_key,
    &command_transfer_create,
    &command_transfer_hold,
    &command_transfer_post,
    &command_transfer_void,
    &command_transfer_reverse,
    &command_transfer_show,
    &command_transfer_list,
    &command_payment_create,
    &command_payment_get,
    &command_payment_list,
    &command_payment_capture,
    &command_payment_cancel,
    &command_payment_execute,
    &command_payment_refund,
    &command_payment_resolve,
    &command_payment_refresh,
    &command_payment_states,
    &command_story,
    &command_doctor_diagnose,
    &command_doctor_watch,
    &command_doctor_rules_list,
    &command_doctor_rules_explain,
    &command_doctor_rules_check,
    &command_settle,
    &command_reconcile,
    &command_doctor_key,
    &command_doctor_collect,
    &command_doctor_incident,
    &command_doctor_mappings,
    &command_doctor_verify,
    &command_doctor_redact,
    &command_doctor_finding_write,
    &command_doctor_finding_add,
    &command_doctor_plan,
    &command_doctor_rehearse,
    &command_doctor_approve,
    &command_doctor_step,
    &command_doctor_apply,
    &command_doctor_verify_repair,
    &command_doctor_report,
    &command_doctor_triage,
    &command_events,
    &command_events_consume,
    &command_kafka_lag,
    &command_kafka_pause,
    &command_kafka_resume,
    &command_kafka_replay,
    &command_kafka_dead_letters,
    &command_cache_check,
    &command_cache_rebuild,
    &command_chart_create,
    &command_chart_show,
    &command_rate_set,
    &command_rate_list,
    &command_balance,
    &command_trial_balance,
    &command_asset_list,
    &command_asset_create,
    &command_period_show,
    &command_period_close,
    &command_trace_raise,
    &command_trace_list,
    &command_trace_lower,
    &command_import,
    &command_export,
    &command_export_journal,
    &command_backup,
    &command_restore,
    &command_restore_accept,
    &command_archive,
    &command_check,
    &command_lane_list,
    &command_lane_move,
    &command_transit_list,
    &command_projection_check,
    &command_projection_clear,
    &command_log_verify,
    &command_receipt_verify,
    &command_log_key,
    &command_log_checkpoint,
    &command_reserves_snapshot,
    &command_reserves_prove,
    &command_reserves_verify,
    &command_log_prove,
    &command_log_prove_verify,
    &command_log_witness_init,
    &command_log_witness,
    &command_log_witness_key,
    &command_webhook_endpoint_create,
    &command_webhook_endpoint_list,
    &command_webhook_endpoint_update,
    &command_webhook_endpoint_delete,
    &command_webhook_endpoint_rotate,
    &command_webhook_endpoint_deliveries,
    &command_webhook_endpoint_redrive,
    &command_webhook_endpoint_missed,
    &command_webhook_rejections,
    &command_webhook_verify,
    &command_webhook_sign,
    &command_bench_ledger,
    &command_bench_api,
    &command_bench_payments,
    &command_bench_webhook,
    &command_bench_kafka,
    &command_bench_inbox,
    &command_bench_log,
    &command_bench_doctor,
    &command_bench_collect,
    &command_exam,
    &command_sim,
    &command_version,
    &command_help,
    NULL,
};

/* The words joined by blanks, compared with a name. */
static int matches(const char *name, int word_count, char **words)
{
    for (int i = 0; i < word_count; i++) {
        size_t len = strlen(words[i]);
        if (strncmp(name, words[i], len) != 0) return 0;
        name += len;
        if (*name != (i + 1 < word_count ? ' ' : '\0')) return 0;
        name++;
    }
    return 1;
}

const struct command *command_find(int word_count, char **words, int *out_words)
{
    for (int take = word_count < COMMAND_WORDS_MAX ? word_count : COMMAND_WORDS_MAX; take > 0;
         take--) {
        for (uint32_t i = 0; commands[i] != NULL; i++) {
            if (!matches(commands[i]->name, take, words)) continue;
            *out_words = take;
            return commands[i];
        }
    }
    return NULL;
}
