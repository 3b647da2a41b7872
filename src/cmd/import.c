/* tpwallet import: accounts and transfers from a file, each row once, however often it is run. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "cmd/call.h"
#include "cmd/import_batch.h"
#include "cmd/import_rows.h"
#include "cmd/import_tally.h"
#include "cmd/report.h"

struct import {
    const struct invocation *invocation;
    struct import_rules rules;
    struct import_rows rows;
    struct import_sender sender;
    struct import_tally tally;
    struct account_id openings_from; /* nil: none */
    unsigned http_status;            /* of an answer that is a problem */
    struct error error;

    /* what is collected for the next request */
    struct buf accounts;  /* struct import_account */
    struct buf transfers; /* struct transfer */
    struct buf lines;     /* uint64_t, beside transfers */
    struct buf outcomes;  /* struct import_outcome, beside either */
    uint32_t count;
    uint32_t group_start; /* of the linked group that is open; count when none is */
    bool group_refused;   /* the rest of the open group goes nowhere either */
};

static struct import_account *import_accounts(struct import *import)
{
    return (struct import_account *)(void *)import->accounts.data;
}
static struct transfer *import_transfers(struct import *import)
{
    return (struct transfer *)(void *)import->transfers.data;
}
static uint64_t *import_lines(struct import *import)
{
    return (uint64_t *)(void *)import->lines.data;
}
static struct import_outcome *import_outcomes(struct import *import)
{
    return (struct import_outcome *)(void *)import->outcomes.data;
}

/* One request's worth of each, reserved once. */
static enum status import_reserve(struct import *import)
{
    const size_t count = REQUEST_TRANSFERS_MAX;
    struct {
        struct buf *buf;
        size_t size;
    } const parts[] = {
        { &import->accounts, count * sizeof(struct import_account) },
        { &import->transfers, count * sizeof(struct transfer) },
        { &import->lines, count * sizeof(uint64_t) },
        { &import->outcomes, count * sizeof(struct import_outcome) },
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        buf_init(parts[i].buf, parts[i].size);
        if (buf_extend(parts[i].buf, parts[i].size) == NULL)
            return error_set(&import->error, STATUS_LIMIT, "no memory");
    }
    return STATUS_OK;
}

static enum status openings_flush(struct import *import)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < import->count; i++) {
        const struct import_account *account = &import_accounts(import)[i];
        bool made = import_outcomes(import)[i].outcome == ACCOUNT_OUTCOME_OK;
        if (!made || money_is_zero(account->opening)) continue;
        import_transfers(import)[count] =
            import_opening_of(&import->rules, account, import->openings_from);
        import_lines(import)[count++] = account->line;
    }
    if (count == 0) return STATUS_OK;
    if (uuid_is_nil(import->openings_from.value))
        return error_set(&import->error, STATUS_INVALID,
                         "rows have an opening balance, but --openings-from is not given");
    struct import_outcome *outcomes = import_outcomes(import);
    enum status status = import_send_transfers(&import->sender, import_transfers(import), count,
                                               outcomes, &import->http_status, &import->error);
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++)
        import_tally_opening(&import->tally, import_lines(import)[i], outcomes[i].id,
                             (enum outcome)outcomes[i].outcome, outcomes[i].repeated);
    return status;
}

static enum status accounts_flush(struct import *import)
{
    if (import->count == 0) return STATUS_OK;
    struct import_outcome *outcomes = import_outcomes(import);
    enum status status =
        import_send_accounts(&import->sender, import_accounts(import), import->count, outcomes,
                             &import->http_status, &import->error);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < import->count; i++)
        import_tally_account(&import->tally, import_accounts(import)[i].line, outcomes[i].id,
                             (enum account_outcome)outcomes[i].outcome, outcomes[i].repeated);
    status = openings_flush(import);
    import->count = 0;
    return status;
}

/* Sends all but the linked group that is still open, which moves to the front. */
static enum status transfers_flush(struct import *import)
{
    uint32_t count = import->group_start;
    if (count == 0) return STATUS_OK;
    struct import_outcome *outcomes = import_outcomes(import);
    enum status status = import_send_transfers(&import->sender, import_transfers(import), count,
                                               outcomes, &import->http_status, &import->error);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < count; i++)
        import_tally_transfer(&import->tally, import_lines(import)[i], outcomes[i].id,
                              (enum outcome)outcomes[i].outcome, outcomes[i].repeated);
    uint32_t left = import->count - count;
    memmove(import_transfers(import), import_transfers(import) + count,
            left * sizeof(struct transfer));
    memmove(import_lines(import), import_lines(import) + count, left * sizeof(uint64_t));
    import->count = left;
    import->group_start = 0;
    return STATUS_OK;
}

/* What is wrong with the row as a row; the rest is looked at by import_items.h. */
static struct import_fault row_fault(const struct import *import)
{
    return (struct import_fault){ .reason = import->rows.fault };
}

static enum status account_take(struct import *import)
{
    struct import_account *account = &import_accounts(import)[import->count];
    *account = (struct import_account){ 0 };
    struct import_fault fault = row_fault(import);
    if (fault.reason == NULL)
        fault = import_account_of(&import->rules, import->rows.values, import->rows.line, account);
    if (fault.reason != NULL) {
        import_tally_fault(&import->tally, import->rows.line, account->account.id.value, &fault);
        return STATUS_OK;
    }
    import->count++;
    return import->count < REQUEST_ACCOUNTS_MAX ? STATUS_OK : accounts_flush(import);
}

static const struct import_fault group_fault = {
    .reason = "another row of its linked group is refused",
    .field = "flags",
    .readable = true,
};
static const struct import_fault group_long_fault = {
    .reason = "its linked group is too long",
    .field = "flags",
    .readable = true,
};

/* The rows collected of the open group are refused: they cannot succeed as one. */
static void group_refuse(struct import *import)
{
    for (uint32_t i = import->group_start; i < import->count; i++)
        import_tally_fault(&import->tally, import_lines(import)[i],
                           import_transfers(import)[i].id.value, &group_fault);
    import->count = import->group_start;
}

static enum status transfer_take(struct import *import)
{
    struct transfer *transfer = &import_transfers(import)[import->count];
    *transfer = (struct transfer){ 0 };
    struct import_fault fault = row_fault(import);
    if (fault.reason == NULL)
        fault =
            import_transfer_of(&import->rules, import->rows.values, import->rows.line, transfer);
    bool linked = (transfer->flags & TRANSFER_FLAG_LINKED) != 0;
    bool in_group = linked || import->group_refused || import->group_start < import->count;
    bool too_long = import->count - import->group_start == LINKED_MAX;
    if (fault.reason == NULL && import->group_refused) fault = group_fault;
    if (fault.reason == NULL && too_long) fault = group_long_fault;
    if (fault.reason != NULL) {
        struct uuid id = transfer->id.value; /* before group_refuse() moves the end */
        if (in_group) group_refuse(import);
        import->group_refused = linked;
        import_tally_fault(&import->tally, import->rows.line, id, &fault);
        return STATUS_OK;
    }
    import_lines(import)[import->count++] = import->rows.line;
    if (!linked) import->group_start = import->count;
    return import->count < REQUEST_TRANSFERS_MAX ? STATUS_OK : transfers_flush(import);
}

static enum status rows_import(struct import *import)
{
    bool accounts = import->rules.kind == IMPORT_ACCOUNTS;
    for (;;) {
        bool found = false;
        enum status status = import_rows_next(&import->rows, &found, &import->error);
        if (status == STATUS_OK && found) {
            import->tally.rows++;
            status = accounts ? account_take(import) : transfer_take(import);
            import_tally_progress(&import->tally);
            if (status == STATUS_OK) continue;
            return status;
        }
        /* also when the file is broken from here on: what was read before it counts */
        if (!accounts && import->group_start < import->count) group_refuse(import);
        struct error broken = import->error;
        enum status flushed = accounts ? accounts_flush(import) : transfers_flush(import);
        if (flushed != STATUS_OK || status == STATUS_OK) return flushed;
        import->error = broken;
        return status;
    }
}

/* The account that openings come from: made if it is not there. */
static enum status openings_account(struct import *import)
{
    const char *from = invocation_text(import->invocation, "openings-from");
    if (from == NULL) {
        if (import->rows.mapping.fields[IMPORT_FIELD_OPENING].source == IMPORT_CONSTANT ||
            import->rows.mapping.fields[IMPORT_FIELD_OPENING].source == IMPORT_COLUMN)
            return error_set(&import->error, STATUS_INVALID,
                             "openings are mapped, but --openings-from is not given");
        return STATUS_OK;
    }
    struct account_id id;
    if (!import_id_of(&import->rules, "account", str_from(from), &id.value) &&
        call_id_parse(from, "account", &id.value, &import->error) != STATUS_OK)
        return import->error.status;
    const struct import_mapping *mapping = &import->rows.mapping;
    const struct asset *asset =
        mapping->fields[IMPORT_FIELD_ASSET].source != IMPORT_CONSTANT
            ? NULL
            : import_asset_by_code(&import->rules, mapping->fields[IMPORT_FIELD_ASSET].text);
    import->openings_from = id;
    if (asset == NULL) return STATUS_OK; /* it must be there then; a row's outcome says if not */
    const struct import_account account = {
        .account = { .id = id, .asset = asset->id, .kind = ACCOUNT_EQUITY },
        .asset = asset,
    };
    struct import_outcome outcome;
    enum status status = import_send_accounts(&import->sender, &account, 1, &outcome,
                                              &import->http_status, &import->error);
    if (status != STATUS_OK || outcome.outcome == ACCOUNT_OUTCOME_OK) return status;
    if (outcome.outcome == ACCOUNT_OUTCOME_ID_CONFLICT) return STATUS_OK; /* there, of other make */
    return error_set(&import->error, STATUS_LIMIT, "the account for openings cannot be made: %s",
                     account_outcome_text((enum account_outcome)outcome.outcome));
}

static int import_finish(struct import *import, enum status status)
{
    struct error closing;
    enum status closed = import_tally_done(&import->tally, &closing);
    int code = EXIT_CODE_DONE;
    if (status != STATUS_OK && import->http_status >= 300) {
        code = report_problem(import->invocation, import->http_status,
                              buf_view(&import->sender.answer));
    } else if (status != STATUS_OK) {
        code = report_error(import->invocation, &import->error);
    } else if (closed != STATUS_OK) {
        code = report_error(import->invocation, &closing);
    }
    BUF_SCOPE struct buf text;
    buf_init(&text, 64 << 10);
    bool json = import->invocation->json;
    if (!json || code == EXIT_CODE_DONE)
        import_tally_summary(&import->tally, import->rules.kind, json, &text);
    int written = report_text(import->invocation, buf_view(&text));
    if (code != EXIT_CODE_DONE) {
        (void)fprintf(stderr, "  what was done stays; the same command goes on from there\n");
        return code;
    }
    if (written != EXIT_CODE_DONE) return written;
    return import->tally.unreadable > 0 ? EXIT_CODE_REFUSED : EXIT_CODE_DONE;
}

static int import_with_session(struct import *import, struct session *session)
{
    BUF_SCOPE struct buf assets;
    buf_init(&assets, ASSETS_CUSTOM_MAX * sizeof(struct asset));
    enum status status = import_sender_init(&import->sender, session);
    if (status != STATUS_OK) error_set(&import->error, status, "no memory");
    if (status == STATUS_OK) status = import_reserve(import);
    if (status == STATUS_OK)
        status = import_read_assets(&import->sender, &assets, &import->http_status, &import->error);
    if (status == STATUS_OK) {
        import->rules.custom_assets = (const struct asset *)(const void *)assets.data;
        import->rules.custom_asset_count = (uint32_t)(assets.len / sizeof(struct asset));
        status = openings_account(import);
    }
    if (status == STATUS_OK) status = rows_import(import);
    int code = import_finish(import, status);
    import_sender_done(&import->sender);
    buf_free(&import->accounts);
    buf_free(&import->transfers);
    buf_free(&import->lines);
    buf_free(&import->outcomes);
    return code;
}

/* "transactions" of "/data/transactions.csv": the name without path and suffix. */
static struct str base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    const char *point = strrchr(name, '.');
    size_t len = point == NULL || point == name ? strlen(name) : (size_t)(point - name);
    return (struct str){ name, len };
}

static enum status format_of(struct import *import, const char *path,
                             enum import_format *out_format)
{
    const char *format = invocation_text(import->invocation, "format");
    if (format == NULL) format = strrchr(path, '.') == NULL ? "" : strrchr(path, '.') + 1;
    bool lines = strcmp(format, "ndjson") == 0 || strcmp(format, "jsonl") == 0;
    if (!lines && strcmp(format, "csv") != 0) {
        enum status status =
            error_set(&import->error, STATUS_INVALID, "'%s' is neither .csv nor .ndjson", path);
        error_hint(&import->error, "say which with --format csv or --format ndjson");
        return status;
    }
    *out_format = lines ? IMPORT_NDJSON : IMPORT_CSV;
    return STATUS_OK;
}

static enum status kind_of(struct import *import)
{
    const char *kind = invocation_text(import->invocation, "kind");
    if (kind != NULL && strcmp(kind, "accounts") == 0)
        import->rules.kind = IMPORT_ACCOUNTS;
    else if (kind != NULL && strcmp(kind, "transfers") == 0)
        import->rules.kind = IMPORT_TRANSFERS;
    else
        return error_set(&import->error, STATUS_INVALID,
                         "--kind says what the rows are: accounts or transfers");
    return STATUS_OK;
}

static enum status rows_open(struct import *import, const char *path, int descriptor)
{
    struct import_mapping mapping;
    enum import_format format = IMPORT_CSV;
    enum status status = kind_of(import);
    if (status == STATUS_OK) status = format_of(import, path, &format);
    if (status == STATUS_OK)
        status =
            import_mapping_parse(import->rules.kind, invocation_text(import->invocation, "map"),
                                 &mapping, &import->error);
    if (status == STATUS_OK)
        status = import_rows_open(&import->rows, format, descriptor, &mapping, &import->error);
    return status;
}

static int import_opened(struct import *import, const char *path, int descriptor)
{
    const struct invocation *invocation = import->invocation;
    const char *name = invocation_text(invocation, "name");
    const char *namespace = invocation_text(invocation, "id-namespace");
    import->rules.name = name == NULL ? base_name(path) : str_from(name);
    import->rules.namespace = namespace == NULL ? STR("") : str_from(namespace);
    enum status status = rows_open(import, path, descriptor);

    BUF_SCOPE struct buf refusals;
    buf_init(&refusals, 4096);
    buf_append_format(&refusals, "%.*s-%s.refused.csv", STR_ARG(import->rules.name),
                      import->rules.kind == IMPORT_ACCOUNTS ? "accounts" : "transfers");
    const char *file = invocation_text(invocation, "refusals");
    import_tally_init(&import->tally, file == NULL ? buf_terminated(&refusals) : file,
                      invocation_has(invocation, "quiet"), system_clock());
    struct session session;
    const struct session_options options = { .folder = invocation->data };
    if (status == STATUS_OK) status = session_open(&options, &session, &import->error);
    if (status != STATUS_OK) return report_error(invocation, &import->error);
    int code = import_with_session(import, &session);
    session_close(&session);
    return code;
}

static int import_run(struct invocation *invocation)
{
    const char *path = invocation->positionals[0];
    struct import import = { .invocation = invocation };
    bool standard_input = strcmp(path, "-") == 0;
    int descriptor = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        enum status status = errno == ENOENT ? STATUS_NOT_FOUND : STATUS_UNAVAILABLE;
        error_set(&import.error, status, "cannot open '%s': %s", path, strerror(errno));
        return report_error(invocation, &import.error);
    }
    int code = import_opened(&import, path, descriptor);
    import_rows_close(&import.rows);
    if (!standard_input) close(descriptor);
    return code;
}

static const struct positional positionals[] = {
    { "FILE", "a .csv or .ndjson file; '-' for standard input", false },
    { 0 },
};

static const struct option options[] = {
    { "kind", "KIND", "what the rows are: accounts or transfers", NULL },
    { "map", "MAP",
      "field=column or field==constant, with commas between; without it each field comes from the "
      "column of its own name, if there is one",
      NULL },
    { "id-namespace", "NAMESPACE", "ids in the file are keys of another system, in this namespace",
      NULL },
    { "openings-from", "ID",
      "the account that opening balances come from; made (equity) if it is not there", NULL },
    { "name", "NAME",
      "of this import: rows without an id get one from it and their line; without it the file's "
      "name, less its suffix",
      NULL },
    { "refusals", "FILE", "where refused rows go, as CSV; without it NAME-KIND.refused.csv", NULL },
    { "format", "FORMAT", "csv or ndjson; without it the file's suffix tells", NULL },
    { "quiet", NULL, "no progress on standard error", NULL },
    { 0 },
};

const struct command command_import = {
    .name = "import",
    .summary = "bring in accounts or transfers from CSV or NDJSON, in the order of the file",
    .details =
        "Fields of accounts: id, kind, asset, flags, user_ref, metadata_ref, opening. Fields of "
        "transfers: id, kind, debit, credit, amount, asset, target, user_ref, value_date, "
        "timeout_s, code, flags. `asset==USD` gives every row the same value; several flags "
        "stand in one field with '|' between.\n\n"
        "Every row is a unit of its own with its own outcome. A refusal (insufficient funds, say) "
        "is an outcome: it is counted, and written to the file of refusals with its line and "
        "reason. A row that cannot be read as an account or transfer goes to the same file, and "
        "the exit code is then 1.\n\n"
        "Safe to repeat: a row without an id gets one made of the import's name and its line, so "
        "a second run asks for what is there and changes nothing. Equal rows on different lines "
        "are different transfers. After a broken run, give the same command again.",
    .positionals = positionals,
    .options = options,
    .examples =
        "import nodes.csv --kind accounts --id-namespace amlsim --openings-from openings \\\n"
        "  --map id=nodeid,user_ref=nodeid,opening=init_balance,asset==USD,"
        "flags==debits_must_not_exceed_credits\n"
        "import transactions.csv --kind transfers --id-namespace amlsim \\\n"
        "  --map debit=sourceNodeId,credit=targetNodeId,amount=value,code=time,asset==USD\n"
        "import transfers.ndjson --kind transfers",
    .run = import_run,
};
