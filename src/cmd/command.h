/* command.h - what a subcommand is: its words, its options, its help, and the call that runs it. */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/exit_code.h"

/*
 * One file per subcommand, listed in commands.c. Everything printed by `tpwallet help` and
 * written to docs/cli.md comes from these tables, and so does what the parser accepts.
 */
struct option {
    const char *name;     /* without dashes: "listen" */
    const char *argument; /* as shown: "ADDR:PORT"; NULL: a switch */
    const char *help;     /* one sentence */
    const char *fallback; /* the value when it is not given; NULL: none */
};

/* A list ends with an entry whose name is NULL. */
struct positional {
    const char *name; /* as shown: "ID" */
    const char *help;
    bool optional;
};

/* What an exit code of a command's own means; a list ends with an entry whose text is NULL. */
struct own_exit_code {
    int code;
    const char *text;
};

struct invocation; /* cmd/invocation.h */

enum {
    COMMAND_OPTIONS_MAX = 64,
    COMMAND_POSITIONALS_MAX = 4,
    COMMAND_WORDS_MAX = 3, /* "webhook endpoint create" */
};

struct command {
    const char *name;                          /* its words: "transfer hold" */
    const char *summary;                       /* one line */
    const char *details;                       /* paragraphs for `help`; NULL: none */
    const struct positional *positionals;      /* NULL: none */
    const struct option *options;              /* NULL: none but the global ones */
    const char *examples;                      /* one per line, each after "tpwallet " */
    const struct own_exit_code *exit_codes;    /* NULL: those that all commands share */
    int (*failure_code)(enum status status);   /* of its own codes; NULL: exit_code_of_status() */
    int (*run)(struct invocation *invocation); /* returns an enum exit_code, or one of its own */
};

/* All commands in the order of help, ending with NULL. */
extern const struct command *const commands[];

/* The options that every command takes; data, json, help. */
extern const struct option global_options[];

/* The command of these words, the longest match of three; *out_words is how many it took. */
const struct command *command_find(int word_count, char **words, int *out_words);

/* ---- the subcommands, one file each; see commands.c for their order ---- */
extern const struct command command_account_close;
extern const struct command command_account_create;
extern const struct command command_account_entries;
extern const struct command command_account_freeze;
extern const struct command command_account_key;
extern const struct command command_account_list;
extern const struct command command_account_show;
extern const struct command command_account_statement;
extern const struct command command_account_unfreeze;
extern const struct command command_archive;
extern const struct command command_asset_create;
extern const struct command command_asset_list;
extern const struct command command_backup;
extern const struct command command_balance;
extern const struct command command_bench_api;
extern const struct command command_bench_collect;
extern const struct command command_bench_doctor;
extern const struct command command_bench_inbox;
extern const struct command command_bench_kafka;
extern const struct command command_bench_ledger;
extern const struct command command_bench_log;
extern const struct command command_cache_check;
extern const struct command command_cache_rebuild;
extern const struct command command_chart_create;
extern const struct command command_chart_show;
extern const struct command command_bench_payments;
extern const struct command command_bench_webhook;
extern const struct command command_check;
extern const struct command command_demo;
extern const struct command command_doctor_diagnose;
extern const struct command command_doctor_rules_check;
extern const struct command command_doctor_rules_explain;
extern const struct command command_doctor_rules_list;
extern const struct command command_doctor_apply;
extern const struct command command_doctor_approve;
extern const struct command command_doctor_collect;
extern const struct command command_doctor_finding_add;
extern const struct command command_doctor_finding_write;
extern const struct command command_doctor_incident;
extern const struct command command_doctor_mappings;
extern const struct command command_doctor_key;
extern const struct command command_doctor_plan;
extern const struct command command_doctor_redact;
extern const struct command command_doctor_rehearse;
extern const struct command command_doctor_step;
extern const struct command command_doctor_verify;
extern const struct command command_doctor_report;
extern const struct command command_doctor_triage;
extern const struct command command_doctor_verify_repair;
extern const struct command command_doctor_watch;
extern const struct command command_events;
extern const struct command command_exam;
extern const struct command command_events_consume;
extern const struct command command_export;
extern const struct command command_export_journal;
extern const struct command command_help;
extern const struct command command_import;
extern const struct command command_init;
extern const struct command command_kafka_dead_letters;
extern const struct command command_kafka_lag;
extern const struct command command_kafka_pause;
extern const struct command command_kafka_replay;
extern const struct command command_kafka_resume;
extern const struct command command_key_create;
extern const struct command command_audit_list;
extern const struct command command_key_list;
extern const struct command command_key_revoke;
extern const struct command command_lane_list;
extern const struct command command_lane_move;
extern const struct command command_log_checkpoint;
extern const struct command command_log_key;
extern const struct command command_log_prove;
extern const struct command command_log_prove_verify;
extern const struct command command_log_verify;
extern const struct command command_log_witness;
extern const struct command command_log_witness_init;
extern const struct command command_log_witness_key;
extern const struct command command_payment_cancel;
extern const struct command command_payment_capture;
extern const struct command command_payment_create;
extern const struct command command_payment_execute;
extern const struct command command_payment_get;
extern const struct command command_payment_list;
extern const struct command command_payment_refresh;
extern const struct command command_payment_refund;
extern const struct command command_payment_resolve;
extern const struct command command_payment_states;
extern const struct command command_period_close;
extern const struct command command_period_show;
extern const struct command command_projection_check;
extern const struct command command_projection_clear;
extern const struct command command_rate_list;
extern const struct command command_rate_set;
extern const struct command command_trace_list;
extern const struct command command_trace_lower;
extern const struct command command_trace_raise;
extern const struct command command_receipt_verify;
extern const struct command command_reconcile;
extern const struct command command_reserves_prove;
extern const struct command command_reserves_snapshot;
extern const struct command command_reserves_verify;
extern const struct command command_restore;
extern const struct command command_restore_accept;
extern const struct command command_sandbox;
extern const struct command command_serve;
extern const struct command command_settle;
extern const struct command command_sim;
extern const struct command command_story;
extern const struct command command_transfer_create;
extern const struct command command_transfer_hold;
extern const struct command command_transfer_list;
extern const struct command command_transfer_post;
extern const struct command command_transfer_reverse;
extern const struct command command_transfer_show;
extern const struct command command_transfer_void;
extern const struct command command_transit_list;
extern const struct command command_trial_balance;
extern const struct command command_version;
extern const struct command command_webhook_endpoint_create;
extern const struct command command_webhook_endpoint_list;
extern const struct command command_webhook_endpoint_update;
extern const struct command command_webhook_endpoint_delete;
extern const struct command command_webhook_endpoint_rotate;
extern const struct command command_webhook_endpoint_deliveries;
extern const struct command command_webhook_endpoint_redrive;
extern const struct command command_webhook_endpoint_missed;
extern const struct command command_webhook_rejections;
extern const struct command command_webhook_sign;
extern const struct command command_webhook_verify;

#endif
