#include "wallet/witness.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/metric_text.h"
#include "base/reserve.h"

struct record {
    struct str origin;     /* of the options' key */
    struct tree_head last; /* size 0: nothing was cosigned */
    bool in_doubt;
    struct monotonic_time quiet_until[2]; /* [1]: of forks, which nobody can make up */
};

struct witness {
    struct witness_ports ports;
    struct witness_options options;
    struct monitor *monitor; /* guards the rest */
    uint32_t record_count;
    struct record records[WITNESS_LOGS_MAX];
    uint64_t outcomes[WITNESS_OUTCOME_COUNT];
    struct witness_submission submission; /* large: of the request at hand */
};

static struct record *record_find(struct witness *witness, struct str origin)
{
    for (uint32_t i = 0; i < witness->record_count; i++) {
        if (str_equal(witness->records[i].origin, origin)) return &witness->records[i];
    }
    return NULL;
}

/* ---- What was cosigned before ---- */

static enum status damaged(const struct record *record, struct error *out_error)
{
    enum status status =
        error_set(out_error, STATUS_CORRUPT, "what was cosigned last of %.*s is damaged",
                  STR_ARG(record->origin));
    error_hint(out_error, "a witness that does not know what it cosigned must not go on: make a "
                          "new one, with a key of its own");
    return status;
}

static enum status record_read(struct witness *witness, struct record *record,
                               struct error *out_error)
{
    struct witness_store *store = witness->ports.store;
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, WITNESS_STORE_NOTE_SIZE_MAX);
    enum status status = store->read(store, record->origin, &bytes, out_error);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK && status != STATUS_LIMIT) return status;
    struct note note;
    struct checkpoint checkpoint;
    uint64_t time_s;
    bool good =
        status == STATUS_OK && note_parse(buf_view(&bytes), &note, NULL) == STATUS_OK &&
        cosignature_verify(&note, &witness->options.signer->key, &time_s, NULL) == STATUS_OK &&
        checkpoint_parse(note.text, &checkpoint, NULL) == STATUS_OK &&
        str_equal(checkpoint.origin, record->origin);
    if (!good) return damaged(record, out_error);
    record->last = checkpoint.head;
    return STATUS_OK;
}

enum status witness_open(const struct witness_ports *ports, const struct witness_options *options,
                         struct witness **out_witness, struct error *out_error)
{
    CHECK(options->signer->key.kind == NOTE_COSIGNATURE);
    if (options->log_count > WITNESS_LOGS_MAX) {
        return error_set(out_error, STATUS_LIMIT, "a witness has at most %d keys of logs",
                         WITNESS_LOGS_MAX);
    }
    struct witness *witness = reserve_new(sizeof *witness);
    if (witness == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the witness");
    witness->ports = *ports;
    witness->options = *options;
    witness->monitor = ports->sync->monitor_new(ports->sync, "witness");
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < options->log_count; i++) {
        CHECK(options->logs[i].kind == NOTE_ED25519);
        struct str origin = note_key_name(&options->logs[i]);
        if (record_find(witness, origin) != NULL) continue; /* another key of the same log */
        struct record *record = &witness->records[witness->record_count++];
        *record = (struct record){ .origin = origin };
        status = record_read(witness, record, out_error);
    }
    if (status == STATUS_OK)
        *out_witness = witness;
    else
        witness_close(witness);
    return status;
}

void witness_close(struct witness *witness)
{
    if (witness == NULL) return;
    witness->ports.sync->monitor_free(witness->monitor);
    reserve_free(witness, sizeof *witness);
}

/* ---- A request ---- */

/* The signature that was verified: others may stand before it. */
static struct str evidence(const struct witness *witness)
{
    const struct note *note = &witness->submission.note;
    const struct witness_options *options = &witness->options;
    for (uint32_t i = 0; i < note->signature_count; i++) {
        struct note one = { .text = note->text, .signature_count = 1 };
        one.signatures[0] = note->signatures[i];
        for (uint32_t j = 0; j < options->log_count; j++) {
            if (note_verify(&one, &options->logs[j], NULL) == STATUS_OK) {
                return note->signatures[i].encoded;
            }
        }
    }
    CHECK(false); /* it was verified before */
    return STR("");
}

static void contradiction_log(struct witness *witness, struct record *record,
                              enum witness_outcome outcome)
{
    struct monotonic_time now = clock_monotonic(witness->ports.clock);
    struct monotonic_time *quiet_until = &record->quiet_until[outcome == WITNESS_FORKED];
    if (now.ns < quiet_until->ns) return;
    quiet_until->ns = now.ns + (int64_t)WITNESS_QUIET_S * NS_PER_S;
    const struct witness_submission *submission = &witness->submission;
    char root[BASE64_TEXT_SIZE(sizeof record->last.root)];
    struct str text = base64_format(record->last.root.bytes, sizeof record->last.root, root);
    const struct log_field fields[] = {
        { STR("origin"), record->origin, 0 },
        { STR("cosigned_size"), { NULL, 0 }, (int64_t)record->last.size },
        { STR("cosigned_root"), text, 0 },
        { STR("size"), { NULL, 0 }, (int64_t)submission->checkpoint.head.size },
        { STR("checkpoint"), submission->note.text, 0 },
        { STR("signature"), evidence(witness), 0 },
    };
    const struct log_line line = {
        .level = outcome == WITNESS_FORKED ? LOG_ALARM : LOG_WARNING,
        .event = outcome == WITNESS_FORKED ? STR("witness.forked") : STR("witness.inconsistent"),
        .message = str_from(witness_outcome_text(outcome)),
        .fields = fields,
        .field_count = sizeof fields / sizeof fields[0],
    };
    log_write(witness->ports.log, line);
}

static void unstored_log(struct witness *witness, const struct record *record,
                         const struct error *error)
{
    const struct log_field fields[] = {
        { STR("origin"), record->origin, 0 },
        { STR("detail"), str_from(error->detail), 0 },
    };
    const struct log_line line = {
        .level = record->in_doubt ? LOG_ALARM : LOG_ERROR,
        .event = record->in_doubt ? STR("witness.in_doubt") : STR("witness.unstored"),
        .message = str_from(error->message),
        .fields = fields,
        .field_count = 2,
    };
    log_write(witness->ports.log, line);
}

/* Written down before it leaves: *out_line is not given to anybody otherwise. */
static enum witness_outcome cosign(struct witness *witness, struct record *record,
                                   struct buf *out_line, struct error *out_error)
{
    const struct witness_submission *submission = &witness->submission;
    const struct tree_head *head = &submission->checkpoint.head;
    struct str text = submission->note.text;
    int64_t now_s = clock_wall(witness->ports.clock).ns / NS_PER_S;
    if (now_s <= 0) {
        (void)error_set(out_error, STATUS_UNAVAILABLE, /* the outcome says it */
                        "the clock says a time before 1970");
        return WITNESS_UNSTORED;
    }
    cosignature_sign(out_line, text, (uint64_t)now_s, witness->options.signer);
    /* The same tree again is written down already, and the empty one never needs to be. */
    if (record->last.size == head->size) return WITNESS_COSIGNED;
    BUF_SCOPE struct buf note;
    buf_init(&note, WITNESS_STORE_NOTE_SIZE_MAX);
    note_begin(&note, text);
    buf_append_str(&note, buf_view(out_line));
    CHECK(buf_status(&note) == STATUS_OK);
    struct witness_store *store = witness->ports.store;
    enum status status = store->write(store, record->origin, buf_view(&note), out_error);
    if (status == STATUS_OK) {
        record->last = *head;
        return WITNESS_COSIGNED;
    }
    record->in_doubt = status == STATUS_IN_DOUBT;
    unstored_log(witness, record, out_error);
    return WITNESS_UNSTORED;
}

static enum witness_outcome answer(struct witness *witness, struct str request,
                                   struct record **out_record, struct buf *out_line,
                                   struct error *out_error)
{
    struct witness_submission *submission = &witness->submission;
    enum witness_outcome outcome = witness_submission_open(
        request, witness->options.logs, witness->options.log_count, submission, out_error);
    if (outcome != WITNESS_COSIGNED) return outcome;
    struct record *record = record_find(witness, submission->checkpoint.origin);
    CHECK(record != NULL); /* a key of this origin signed it */
    *out_record = record;
    if (record->in_doubt) {
        (void)error_set(out_error, STATUS_IN_DOUBT, /* the outcome says it */
                        "what was cosigned last is not known before the next start");
        return WITNESS_UNSTORED;
    }
    outcome = witness_decide(submission, &record->last, out_error);
    if (outcome == WITNESS_COSIGNED) outcome = cosign(witness, record, out_line, out_error);
    if (outcome == WITNESS_FORKED || outcome == WITNESS_INCONSISTENT) {
        contradiction_log(witness, record, outcome);
    }
    return outcome;
}

enum witness_outcome witness_add_checkpoint(struct witness *witness, struct str request,
                                            struct buf *out_answer)
{
    struct error error = { 0 };
    struct record *record = NULL;
    BUF_SCOPE struct buf line;
    buf_init(&line, WITNESS_STORE_NOTE_SIZE_MAX);
    buf_reset(out_answer);
    witness->ports.sync->lock(witness->monitor);
    enum witness_outcome outcome = answer(witness, request, &record, &line, &error);
    witness->outcomes[outcome]++;
    if (outcome == WITNESS_COSIGNED) {
        buf_append_str(out_answer, buf_view(&line));
    } else if (outcome == WITNESS_OTHER_SIZE || outcome == WITNESS_FORKED) {
        CHECK(record != NULL); /* it was decided by what is in it */
        buf_append_format(out_answer, "%llu\n", (unsigned long long)record->last.size);
    } else if (outcome == WITNESS_MALFORMED && error.detail[0] != 0) {
        buf_append_format(out_answer, "%s: %s\n", error.message, error.detail);
    } else {
        buf_append_format(out_answer, "%s\n", error.message);
    }
    witness->ports.sync->unlock(witness->monitor);
    return outcome;
}

enum status witness_last(struct witness *witness, struct str origin, struct tree_head *out_head)
{
    witness->ports.sync->lock(witness->monitor);
    const struct record *record = record_find(witness, origin);
    if (record != NULL) *out_head = record->last;
    witness->ports.sync->unlock(witness->monitor);
    return record == NULL ? STATUS_NOT_FOUND : STATUS_OK;
}

void witness_write_metrics(struct witness *witness, struct buf *out_page)
{
    witness->ports.sync->lock(witness->monitor);
    metric_head_write(out_page, "tpwallet_witness_requests_total", "counter", "Requests answered");
    for (unsigned i = 0; i < WITNESS_OUTCOME_COUNT; i++) {
        const char *code = witness_outcome_code((enum witness_outcome)i);
        metric_labelled_write(out_page, "tpwallet_witness_requests_total", "outcome",
                              str_from(code), witness->outcomes[i]);
    }
    metric_head_write(out_page, "tpwallet_witness_size", "gauge",
                      "Leaves of the checkpoint cosigned last");
    for (uint32_t i = 0; i < witness->record_count; i++) {
        const struct record *record = &witness->records[i];
        metric_labelled_write(out_page, "tpwallet_witness_size", "log", record->origin,
                              record->last.size);
    }
    metric_head_write(out_page, "tpwallet_witness_in_doubt", "gauge",
                      "1: not cosigned for before a restart");
    for (uint32_t i = 0; i < witness->record_count; i++) {
        const struct record *record = &witness->records[i];
        metric_labelled_write(out_page, "tpwallet_witness_in_doubt", "log", record->origin,
                              record->in_doubt);
    }
    witness->ports.sync->unlock(witness->monitor);
}
